"""Packed vectors."""

from array import array
from math import sqrt
from operator import mul


def cosine(one: bytes, other: bytes) -> float:
    """Cosine of two packed little-endian float32 vectors of equal dimension."""
    a, b = array("f", one), array("f", other)
    norm = sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))
    return sum(map(mul, a, b)) / norm if norm else 0.0
