"""Vectors in 8 bits a number."""

from array import array

import pytest
from headwater_kit.core.bytevectors import from_bytes, to_bytes
from hypothesis import given
from hypothesis import strategies as st

numbers = st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=40)


@given(numbers)
def test_a_number_comes_back_within_half_a_step(values: list[float]) -> None:
    vector = array("f", values)
    packed = to_bytes(vector.tobytes())
    if not any(values):
        assert packed == b""
        return
    largest = max(map(abs, vector))
    assert len(packed) == 4 + len(values)
    # A factor of a number near to nothing has few digits of its own.
    assert list(array("f", from_bytes(packed))) == pytest.approx(vector, abs=largest / 250 + 1e-40)


@given(numbers)
def test_what_was_packed_once_packs_to_the_same_bytes(values: list[float]) -> None:
    packed = to_bytes(array("f", values).tobytes())
    assert to_bytes(from_bytes(packed)) == packed


@pytest.mark.parametrize("packed", [b"", b"\x00\x00\x80\x3f"])
def test_what_is_no_vector_is_none(packed: bytes) -> None:
    assert from_bytes(packed) == b""
    assert to_bytes(b"") == b""
