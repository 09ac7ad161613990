"""Which question is another in other words.

Method: leader clustering (Hartigan, "Clustering Algorithms", 1975): a question
belongs to the nearest one that stands for a cluster, if it is near enough, and
else stands for a new one. It needs no second pass.

How near is near enough belongs to the encoder. Encoders crowd their vectors into
a cone, one more than another (Ethayarajh, EMNLP 2019), so that a bound on a
cosine means nothing without the cosine of questions that have nothing to do with
each other. That is taken from the tenant's own questions, of which most are
unrelated: from their sum alone, since the square of its length is the sum of all
their cosines.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from operator import mul

import numpy as np
from numpy.typing import NDArray

# Of bge-small, with questions on all sorts of things: what unrelated ones have in common, and from where they ask the
# same (measured on SciFact and XQuAD).
UNRELATED_COSINE = 0.35
SAME_QUESTION_COSINE = 0.86
# An encoder's zero is measured from so many different questions, and from no more.
MIN_QUESTIONS = 8
MAX_QUESTIONS = 64
# float32 arithmetic differs from machine to machine by less; what is nearer than this is compared exactly.
SLACK = 1e-4


class Likeness:
    """From which cosine two questions of a tenant ask the same. Owned by one task."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._sum: list[float] = []

    def learn(self, question: str, vector: Sequence[float]) -> None:
        """Takes a question in, with its vector of length 1; one that was seen changes nothing."""
        if len(self._seen) >= MAX_QUESTIONS or question in self._seen:
            return
        self._seen.add(question)
        self._sum = [a + b for a, b in zip(self._sum, vector, strict=True)] if self._sum else list(vector)

    @property
    def unrelated(self) -> float:
        """The mean cosine of two different questions; the usual encoder's until there are enough."""
        count = len(self._seen)
        if count < MIN_QUESTIONS:
            return UNRELATED_COSINE
        return float(sum(map(mul, self._sum, self._sum)) - count) / (count * (count - 1))

    @property
    def min_cosine(self) -> float:
        """As far above the unrelated as `SAME_QUESTION_COSINE` is with the usual encoder."""
        share = (1.0 - SAME_QUESTION_COSINE) / (1.0 - UNRELATED_COSINE)
        return round(1.0 - share * (1.0 - min(max(self.unrelated, 0.0), 1.0)), 4)


@dataclass(frozen=True, slots=True)
class Leader:
    """A question that stands for a cluster, and the cosine from which others belong to it."""

    name: str
    vector: tuple[float, ...]
    min_cosine: float


class Leaders:
    """The leaders of one tenant and model, by name. Owned by one task.

    Found by float32 arithmetic and decided by exact one, so that every machine decides alike.
    """

    def __init__(self, dimension: int) -> None:
        self._rows: NDArray[np.float32] = np.zeros((16, dimension), dtype=np.float32)
        self._leaders: list[Leader] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._leaders)

    def nearest(self, vector: Sequence[float]) -> str | None:
        """The leader that the question, a vector of length 1, belongs to; None if none is near enough."""
        if not self._leaders:
            return None
        cosines = self._rows[: len(self._leaders)] @ np.asarray(vector, dtype=np.float32)
        near = np.flatnonzero(cosines >= cosines.max() - SLACK)
        exact = [(sum(map(mul, self._leaders[at].vector, vector)), self._leaders[at]) for at in near.tolist()]
        cosine, leader = max(exact, key=lambda pair: (pair[0], pair[1].name))
        return leader.name if cosine >= leader.min_cosine else None

    def add(self, leader: Leader) -> None:
        """Takes one more in, under a name that is new."""
        count = len(self._leaders)
        if count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[count] = leader.vector
        self._places[leader.name] = count
        self._leaders.append(leader)

    def drop(self, name: str) -> None:
        """Takes one out; the last takes its place."""
        at, last = self._places.pop(name), self._leaders.pop()
        if at < len(self._leaders):
            self._leaders[at], self._places[last.name] = last, at
            self._rows[at] = last.vector


def unit(packed: bytes) -> tuple[float, ...] | None:
    """The vector, made length 1, of little-endian float32 bytes; None where there is none, or no direction."""
    if not packed or len(packed) % 4:
        return None
    numbers = array("f", packed)
    length = sqrt(sum(map(mul, numbers, numbers)))
    return tuple(number / length for number in numbers) if 0.0 < length < float("inf") else None
