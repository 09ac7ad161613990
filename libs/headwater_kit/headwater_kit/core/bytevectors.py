"""Vectors in a quarter of their size: one signed byte a number, times a factor of the vector's own.

Packed: the factor as little-endian float32, then a byte a number. A number is
off by half the factor at most, which is the largest one's 254th part.
"""

import struct
import sys
from array import array

MOST = 127
_FACTOR = struct.Struct("<f")


def to_bytes(vector: bytes) -> bytes:
    """Of packed little-endian float32 numbers, which must be finite; empty of none, and of numbers that are all 0."""
    numbers = _floats(vector)
    largest = max(map(abs, numbers), default=0.0)
    if not largest:
        return b""
    factor = largest / MOST
    return _FACTOR.pack(factor) + array("b", [round(number / factor) for number in numbers]).tobytes()


def from_bytes(packed: bytes) -> bytes:
    """The numbers as packed little-endian float32; empty of what is none."""
    if len(packed) <= _FACTOR.size:
        return b""
    (factor,) = _FACTOR.unpack_from(packed)
    return _packed(array("f", [factor * number for number in array("b", packed[_FACTOR.size :])]))


def _floats(packed: bytes) -> "array[float]":
    numbers = array("f", packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _packed(numbers: "array[float]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
