"""What a list and its judgements say: which of two passages is the better, whichever stood above the other.

A passage that stands high is looked at more, so that its clicks say less. A list
that was drawn by Plackett-Luce could as well have come with the two in each
other's place; with R the list and R* that other one, the weight P(R*) / (P(R) +
P(R*)) makes both count alike (Oosterhuis and de Rijke, "Differentiable unbiased
online learning to rank", CIKM 2018). Both probabilities follow exactly from what
was logged: of the strengths that were drawn by, each is the share that the
logged probability says of what those above had left.
"""

from dataclasses import dataclass
from itertools import count
from math import exp, expm1, log

import numpy as np
from headwater_kit.core.impressions import ImpressionItem
from headwater_kit.core.learning import FEATURES
from numpy.typing import NDArray

from headwater_feedback.domain.lessons import Lesson

Floats = NDArray[np.float64]
# From this log-propensity on there was nothing else to draw: what follows was not drawn but appended.
CERTAIN = -1e-15
# Logarithm that does not run over.
LARGEST = 700.0
# An expert's word counts as that of so many users.
EXPERT_WEIGHT = 3.0


@dataclass(frozen=True, slots=True)
class Preferences:
    """Pairs of places in a list, the better one first, and what each counts.

    `features`: a row a place, drawn or not.
    """

    better: NDArray[np.int64]
    worse: NDArray[np.int64]
    weights: Floats
    features: Floats


def preferences(lesson: Lesson) -> Preferences:
    """All pairs of a list of which one was liked better, both having been looked at; none without features."""
    items = sorted(lesson.closed.impression.items, key=lambda item: item.rank)
    if any(len(item.features) != len(FEATURES) for item in items):
        items = []
    features = np.array([item.features for item in items], dtype=np.float64).reshape(len(items), len(FEATURES))
    strengths, left = drawn(items)
    pairs = [pair for pair in _pairs(lesson, items) if max(pair[0], pair[1]) < len(strengths)]
    better = np.array([pair[0] for pair in pairs], dtype=np.int64)
    worse = np.array([pair[1] for pair in pairs], dtype=np.int64)
    shares = [weight * swap_share(strengths, left, one, other) for one, other, weight in pairs]
    return Preferences(better, worse, np.array(shares, dtype=np.float64), features)


def drawn(items: list[ImpressionItem]) -> tuple[Floats, Floats]:
    """Logarithms of the strengths that the items were drawn by, and of what was left before each; all are 1 together.

    Shorter than the list where its end was appended without being drawn, or something of it was withheld. Of a page
    that follows they are shares of what the pages before had left.
    """
    strengths, left, rest = [], [], 0.0
    for item, rank in zip(items, count(items[0].rank if items else 1), strict=False):
        if item.rank != rank:
            break  # what stood between was withheld, and its share of what was left is not known
        strengths.append(rest + item.log_propensity)
        left.append(rest)
        if item.log_propensity >= CERTAIN:
            break
        rest += log(-expm1(item.log_propensity))
    return np.array(strengths, dtype=np.float64), np.array(left, dtype=np.float64)


def swap_share(strengths: Floats, left: Floats, one: int, other: int) -> float:
    """P(R*) / (P(R) + P(R*)), R* being the list with two places' items exchanged."""
    first, last = min(one, other), max(one, other)
    if first == last:
        return 0.5
    # The lists differ in what is left to draw from between the two places, and in nothing else.
    unit = left[first + 1]
    between = np.exp(left[first + 1 : last + 1] - unit)
    gained, lost = np.exp(np.minimum(strengths[[first, last]] - unit, LARGEST))
    exchanged = np.maximum(between - lost, 0.0) + gained
    log_odds = float((np.log(between) - np.log(exchanged)).sum())
    return 1.0 / (1.0 + exp(min(-log_odds, LARGEST)))


def _pairs(lesson: Lesson, items: list[ImpressionItem]) -> list[tuple[int, int, float]]:
    judged = lesson.judgements
    found = [(place, judged[item.rank]) for place, item in enumerate(items) if item.rank in judged]
    pairs = []
    for one, better in found:
        for other, worse in found:
            is_said = better.expert or worse.expert
            if better.label > worse.label and (is_said or not lesson.is_amended):
                weight = EXPERT_WEIGHT if is_said else 1.0
                pairs.append((one, other, weight * (better.label - worse.label)))
    return pairs
