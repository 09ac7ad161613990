"""The ranker alone, where orders are to be learned from nothing: LightGBM's `lambdarank` example.

Its first twelve features that vary stand for the ranker's, the first of them for
the fused score, each standardised within the list. Lists are drawn by
Plackett-Luce from what was last offered, as in the learn bucket, and clicked by
the graded click models.
"""

import gzip
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from click_models import GRADED
from headwater_feedback.domain.learners import Example
from headwater_feedback.domain.ranker import RankerLearner, RankerPolicy, warm_start
from headwater_kit.core.documents import Position, ScoreParts
from headwater_kit.core.impressions import ImpressionClosed, ImpressionItem, ImpressionRecorded, Judgement
from headwater_kit.core.learning import FEATURES, Serving, ServingPolicy
from headwater_retrieve.domain.drawing import draw

DEPTH = 10
CHECKPOINTS = (200, 1_000, 2_000, 10_000)


@dataclass(frozen=True)
class Lists:
    """Rows of features and grades, a list each."""

    features: Sequence[np.ndarray]
    grades: Sequence[np.ndarray]


def read(folder: Path, part: str) -> Lists:
    """`train` or `test`, with all of its features."""
    rows, grades = [], []
    with gzip.open(folder / f"rank.{part}.gz", "rt") as lines:
        for line in lines:
            grade, *cells = line.split()
            row = np.zeros(302)
            for place, value in (cell.split(":") for cell in cells):
                row[int(place)] = float(value)
            rows.append(row)
            grades.append(int(grade))
    ends = np.cumsum([int(line) for line in (folder / f"rank.{part}.query").read_text().split()])[:-1]
    return Lists(np.split(np.array(rows), ends), np.split(np.array(grades), ends))


def described(lists: Lists, chosen: Sequence[int]) -> Lists:
    """The lists by these features, standardised within each."""
    made = []
    for rows in lists.features:
        centred = rows[:, chosen] - rows[:, chosen].mean(axis=0)
        spread = centred.std(axis=0)
        made.append(np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9))
    return Lists(made, lists.grades)


def telling(lists: Lists) -> list[int]:
    """The features that go most with the grades over all training lists, the middling one first: a start to leave."""
    rows, grades = np.concatenate(lists.features), np.concatenate(lists.grades)
    varied = [place for place in range(rows.shape[1]) if rows[:, place].std() > 0.05]
    worth = {place: abs(float(np.corrcoef(rows[:, place], grades)[0, 1])) for place in varied}
    best = sorted(varied, key=lambda place: -worth[place])[: len(FEATURES)]
    return [best[-1], *best[:-1]]


def ndcg(lists: Lists, weights: np.ndarray) -> float:
    """Mean nDCG@10, with the gain 2^grade - 1."""
    values = []
    for rows, grades in zip(lists.features, lists.grades, strict=True):
        ideal = _dcg(np.sort(grades)[::-1])
        if ideal:
            values.append(_dcg(grades[np.argsort(-(rows @ weights), kind="stable")]) / ideal)
    return float(np.mean(values))


def measure(folder: Path, seeds: Sequence[int]) -> Mapping[str, Any]:
    """By click model: test nDCG@10 before, and after so many lists."""
    train = read(folder, "train")
    chosen = telling(train)
    train, test = described(train, chosen), described(read(folder, "test"), chosen)
    result: dict[str, Any] = {"before": round(ndcg(test, warm_start()), 4)}
    for model in GRADED:
        runs = [_learned(train, test, model, seed) for seed in seeds]
        result[model] = {str(point): round(float(np.mean([run[point] for run in runs])), 4) for point in CHECKPOINTS}
    return result


def _learned(train: Lists, test: Lists, model: str, seed: int) -> dict[int, float]:
    rng, learner, weights = random.Random(seed), RankerLearner("acme", RankerPolicy()), warm_start()
    found = {}
    for number in range(1, max(CHECKPOINTS) + 1):
        place = rng.randrange(len(train.features))
        example = _clicked(train.features[place], train.grades[place], weights, model, rng)
        impression = replace(example.impression, impression_id=str(number))
        for offered in learner.take(Example(replace(example, impression=impression), Position(0, number))):
            weights = np.array(offered.learned.weights)  # type: ignore[union-attr]
        if number in CHECKPOINTS:
            found[number] = ndcg(test, weights)
    return found


def _clicked(
    rows: np.ndarray, grades: np.ndarray, weights: np.ndarray, model: str, rng: random.Random
) -> ImpressionClosed:
    scores = rows @ weights
    head = np.argsort(-scores, kind="stable")[:DEPTH]
    drawn = draw([float(score) for score in scores[head]], 1.0, rng)
    order = [int(head[place]) for place in drawn.order]
    clicked = set(GRADED[model].clicks([int(grades[place]) for place in order], rng))
    items = tuple(
        ImpressionItem(f"c{place}", f"d{place}", 1, "", rank, 0.0, ScoreParts(), tuple(rows[place].tolist()), chance)
        for rank, (place, chance) in enumerate(zip(order, drawn.log_propensities, strict=True), start=1)
    )
    last = max(clicked, default=-1) + 1
    judgements = tuple(Judgement(each.rank, 0.5 * (each.rank in clicked), each.rank <= last) for each in items)
    shown = ImpressionRecorded("", "acme", "", "", b"", "", items, 0.0, serving=Serving(ServingPolicy.LEARN))
    return ImpressionClosed(shown, judgements, 1, 0.0)


def _dcg(grades: np.ndarray) -> float:
    return sum((2.0 ** int(grade) - 1.0) / math.log2(place + 2) for place, grade in enumerate(grades[:10]))
