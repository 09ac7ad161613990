"""What a ranker sees of a candidate: `core.learning.FEATURES`, standardised within the list.

It has to be cheap, as every search pays for it: words are looked for as they
begin, without cutting the texts into terms anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log1p

import numpy as np
from headwater_kit.core.learning import FEATURES
from headwater_kit.core.moments import moment_of
from headwater_text.phrases import key_phrases
from numpy.typing import NDArray

from headwater_retrieve.domain.fusion import Candidate, order

# Candidates that have features, best first by fusion. Those below hardly ever become one of the first ten, and each
# costs some microseconds.
DESCRIBED = 32
# A shorter word is looked for where a word begins only: it stands within too many others.
SHORT = 4
_FUSED = FEATURES.index("fused")
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for in texts: how the question's words begin, and those that stand side by side in it."""

    beginnings: tuple[str, ...]
    pairs: tuple[str, ...]

    @classmethod
    def of(cls, question: str, analyse: Callable[[str], str]) -> "Wanted":
        """Of a question; `analyse` makes terms of it."""
        beginnings = dict.fromkeys(_beginning(term) for term in analyse(question).split())
        pairs = (pair for phrase in key_phrases(question) for pair in _side_by_side(_plain(phrase).strip()))
        return cls(tuple(beginnings), tuple(dict.fromkeys(pairs)))

    def coverage(self, plain: str) -> float:
        """The share of the words that stand in a plain text, 0 to 1."""
        return _share(self.beginnings, plain)

    def exactness(self, plain: str) -> float:
        """The share of the question's pairs of words that stand side by side in it, too, 0 to 1."""
        return _share(self.pairs, plain)


def describe(candidates: Sequence[Candidate], wanted: Wanted, time_field: str = "") -> Floats:
    """A row a candidate, in the order of FEATURES; each column has mean 0 and deviation 1, or is 0 where all are alike.

    `time_field`: metadata key of a document's time; without one nothing is new or old.
    """
    floor = min((each.dense for each in candidates if each.dense is not None), default=0.0)
    times = [_time(each, time_field) for each in candidates] if time_field else []
    known = [time for time in times if time is not None]
    usual = sum(known) / len(known) if known else 0.0
    raw = np.array([_row(each, wanted, floor) for each in candidates]).reshape(len(candidates), len(FEATURES))
    if known:
        raw[:, FEATURES.index("recency")] = [(usual if time is None else time) - usual for time in times]
    return _standardised(raw)


def scored(candidates: Sequence[Candidate], features: Floats, weights: Sequence[float] | None) -> list[Candidate]:
    """The candidates with their features and, where there are weights, by these, best first.

    The score is in the units of the fused one, so that votes and doubt mean the
    same: with a weight of 1 for it and none else it is the fused score.
    """
    rows = [tuple(row) for row in features.tolist()]
    if weights is None or not candidates:
        return [_described(each, row, 0.0) for each, row in zip(candidates, rows, strict=True)]
    fused = np.array([each.fused for each in candidates])
    wanted = fused.mean() + fused.std() * (features.astype(np.float64) @ np.array(weights))
    gains = (wanted - fused).tolist()
    return order(_described(each, row, gain) for each, row, gain in zip(candidates, rows, gains, strict=True))


def _share(sought: Sequence[str], plain: str) -> float:
    # A list is summed half as fast again as a generator.
    return sum([word in plain for word in sought]) / (len(sought) or 1)


def _described(candidate: Candidate, row: tuple[float, ...], gain: float) -> Candidate:
    each = candidate
    # Field by field: `replace` takes several times as long, and every search does it.
    return Candidate(
        each.passage, each.dense, each.lexical, each.fused, each.memory, each.rerank, each.rerank_gain,
        each.dense_rank, each.lexical_rank, gain, row, each.beside,
    )  # fmt: skip


def _row(candidate: Candidate, wanted: Wanted, floor: float) -> tuple[float, ...]:
    passage, chunk = candidate.passage, candidate.passage.chunk
    text = _plain(chunk.text)
    title = _plain(" ".join((passage.info.title, *chunk.heading_path)))
    return (
        candidate.fused,
        floor if candidate.dense is None else candidate.dense,
        candidate.lexical or 0.0,
        1.0 / candidate.dense_rank if candidate.dense_rank else 0.0,
        1.0 / candidate.lexical_rank if candidate.lexical_rank else 0.0,
        float(candidate.dense is not None and candidate.lexical is not None),
        wanted.coverage(text),
        wanted.coverage(title),
        wanted.exactness(text),
        log1p(chunk.token_count),
        1.0 / (1 + chunk.ordinal),
        0.0,
    )


def _standardised(raw: NDArray[np.float64]) -> Floats:
    if not len(raw):
        return raw.astype(np.float32)
    centred = raw - raw.mean(axis=0)
    spread = np.sqrt((centred * centred).mean(axis=0))
    # Spread below the precision of the numbers themselves is noise.
    is_flat = spread <= 1e-9 * np.maximum(np.abs(raw).max(axis=0), 1e-9)
    return np.where(is_flat, 0.0, centred / np.where(is_flat, 1.0, spread)).astype(np.float32)


def _plain(text: str) -> str:
    """Small letters, names of code written one way, and a space before the first word."""
    return " " + text.lower().replace("_", ".")


def _beginning(term: str) -> str:
    # A stem's i may be the y of the word: polici, policy.
    stem = term.replace("_", ".")
    stem = stem[:-1] if len(stem) > SHORT and stem.endswith("i") else stem
    return f" {stem}" if len(stem) < SHORT and stem.isascii() else stem


def _side_by_side(phrase: str) -> list[str]:
    """Each two words of a phrase that follow each other; all of one that has no spaces, as in Chinese."""
    words = phrase.split()
    if len(words) == 1 and not phrase.isascii():
        return words
    return [f"{one} {other}" for one, other in pairwise(words)]


def _time(candidate: Candidate, field: str) -> float | None:
    moment = moment_of(candidate.passage.info.metadata.get(field))
    return None if moment is None else moment.seconds
