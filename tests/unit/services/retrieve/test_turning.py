"""Query adapters: near a topic's centre alone, of length 1, and nothing else."""

from array import array
from math import hypot, sqrt

import pytest
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import Adapter, AdapterModel
from headwater_retrieve.domain.turning import Turning
from hypothesis import given
from hypothesis import strategies as st


def packed(*numbers: float) -> bytes:
    return array("f", numbers).tobytes()


def unpacked(vector: bytes) -> list[float]:
    return list(array("f", vector))


EAST, NORTH = packed(1, 0, 0), packed(0, 1, 0)
# Turns what points east up, what points north down; rank 1.
UP = Adapter("up", EAST, 0.8, 1, packed(0, 0, 1), EAST)
DOWN = Adapter("down", NORTH, 0.8, 1, packed(0, 0, -1), NORTH)
TURNING = Turning(AdapterModel("acme", "m", (UP, DOWN)))
numbers = st.floats(-1.0, 1.0, width=32)


def test_a_question_is_turned_for_the_topic_it_is_near() -> None:
    turned = TURNING.turned(EAST, "m")
    assert turned.topic_id == "up"
    assert unpacked(turned.vector) == pytest.approx([sqrt(0.5), 0.0, sqrt(0.5)])
    assert TURNING.turned(NORTH, "m").topic_id == "down"


@given(numbers, numbers, numbers)
def test_what_is_near_no_topic_stays_as_it_is_and_all_else_has_length_1(x: float, y: float, z: float) -> None:
    length = hypot(x, y, z)
    if length < 1e-3:
        return
    vector = packed(x / length, y / length, z / length)
    turned = TURNING.turned(vector, "m")
    if max(x, y) / length < 0.799:
        assert (turned.vector, turned.topic_id) == (vector, "")
    elif turned.topic_id:
        assert hypot(*unpacked(turned.vector)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("vector", "model"), [(EAST, "other"), (packed(1, 0), "m"), (b"", "m")])
def test_vectors_of_another_model_or_length_stay_as_they_are(vector: bytes, model: str) -> None:
    assert TURNING.turned(vector, model).vector == vector


def test_a_turn_to_nowhere_is_none() -> None:
    away = Turning(AdapterModel("acme", "m", (Adapter("t", EAST, 0.0, 1, packed(-1, 0, 0), EAST),)))
    assert away.turned(EAST, "m").vector == EAST


@pytest.mark.parametrize("adapters", [(), (UP, Adapter("short", packed(1, 0), 0.8, 1, packed(0, 1), packed(1, 0)))])
def test_adapters_that_do_not_fit_each_other_are_refused(adapters: tuple[Adapter, ...]) -> None:
    with pytest.raises(InvalidInput):
        Turning(AdapterModel("acme", "m", adapters))
