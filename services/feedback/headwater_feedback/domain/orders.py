"""How two orders of the same items compare."""

from collections.abc import Sequence
from math import log2


def ndcg(grades: Sequence[int], known: Sequence[int], depth: int = 10) -> float:
    """NDCG of a list by the grades of its items, where `known` are all grades there are; gain 2^grade - 1.

    Järvelin and Kekäläinen 2002, with the gain of Burges et al. 2005.
    """
    ideal = _dcg(sorted(known, reverse=True)[:depth])
    return _dcg(grades[:depth]) / ideal if ideal else 0.0


def overlap(one: Sequence[int], other: Sequence[int], depth: int) -> float:
    """Share of the first `depth` that two orders of the same items have in common."""
    return len(set(one[:depth]) & set(other[:depth])) / max(1, min(depth, len(one)))


def _dcg(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1.0) / log2(2 + place) for place, grade in enumerate(grades))
