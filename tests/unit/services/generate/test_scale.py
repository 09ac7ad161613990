import pytest
from headwater_generate.domain.scale import REFERENCE, Scale, scale_of
from headwater_generate.domain.vectors import cosine

EAST, NORTH = b"\0\0\x80?\0\0\0\0", b"\0\0\0\0\0\0\x80?"


def test_cosine() -> None:
    assert (cosine(EAST, EAST), cosine(EAST, NORTH), cosine(EAST, b"\0" * 8)) == (1.0, 0.0, 0.0)


def test_the_default_encoders_cosines_stay_as_they_are() -> None:
    assert Scale().similarity(0.7) == pytest.approx(0.7)


@pytest.mark.parametrize("unrelated", [0.0, 0.3, 0.9])
def test_whatever_the_encoder_unrelated_texts_and_equal_ones_come_to_the_same(unrelated: float) -> None:
    scale = Scale(unrelated)
    assert scale.similarity(unrelated) == pytest.approx(REFERENCE)
    assert scale.similarity(1.0) == 1.0
    assert scale.difference(1.0 - unrelated) == pytest.approx(1.0 - REFERENCE)


def test_a_scale_is_the_mean_of_all_pairs() -> None:
    assert scale_of([EAST, NORTH], [EAST, EAST]).unrelated == pytest.approx(0.5)


def test_an_encoder_that_tells_nothing_apart_divides_by_nothing() -> None:
    assert scale_of([EAST], [EAST]).similarity(1.0) == 1.0
