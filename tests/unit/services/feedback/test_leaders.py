"""Which questions are one, by any encoder, and alike on every machine."""

import random
from collections.abc import Sequence
from math import sqrt

import pytest
from headwater_feedback.domain.leaders import (
    MAX_QUESTIONS,
    SAME_QUESTION_COSINE,
    UNRELATED_COSINE,
    Leader,
    Leaders,
    Likeness,
    unit,
)


def crowded(rng: random.Random, cosine: float, dimension: int = 256) -> tuple[float, ...]:
    """A vector of an encoder whose unrelated texts have about this cosine."""
    noise = [rng.gauss(0.0, 1.0 / sqrt(dimension)) for _ in range(dimension)]
    mixed = [sqrt(1.0 - cosine) * x for x in noise]
    mixed[0] += sqrt(cosine)
    length = sqrt(sum(x * x for x in mixed))
    return tuple(x / length for x in mixed)


def likeness(vectors: Sequence[tuple[float, ...]]) -> Likeness:
    learned = Likeness()
    for number, vector in enumerate(vectors):
        learned.learn(f"question {number}", vector)
    return learned


@pytest.mark.parametrize("zero", [0.0, 0.35, 0.7, 0.85])
def test_the_zero_of_any_encoder_is_found(zero: float) -> None:
    rng = random.Random(1)
    learned = likeness([crowded(rng, zero) for _ in range(200)])
    assert learned.unrelated == pytest.approx(zero, abs=0.05)
    assert learned.min_cosine > learned.unrelated + 0.7 * (1.0 - learned.unrelated)


def test_the_usual_encoder_is_assumed_until_there_are_enough_questions() -> None:
    rng = random.Random(1)
    assert likeness([crowded(rng, 0.9) for _ in range(5)]).min_cosine == pytest.approx(SAME_QUESTION_COSINE)
    repeated = Likeness()
    for _ in range(50):
        repeated.learn("the same", crowded(rng, 0.9))
    assert repeated.unrelated == UNRELATED_COSINE


def test_questions_past_the_first_change_nothing() -> None:
    rng = random.Random(2)
    vectors = [crowded(rng, 0.5) for _ in range(MAX_QUESTIONS + 50)]
    assert likeness(vectors).min_cosine == likeness(vectors[:MAX_QUESTIONS]).min_cosine


def test_the_nearest_leader_takes_a_question_that_is_near_enough() -> None:
    leaders = Leaders(2)
    assert leaders.nearest((1.0, 0.0)) is None
    leaders.add(Leader("east", (1.0, 0.0), 0.9))
    leaders.add(Leader("north", (0.0, 1.0), 0.9))
    assert leaders.nearest((0.96, 0.28)) == "east"
    assert leaders.nearest((sqrt(0.5), sqrt(0.5))) is None


def test_leaders_come_and_go() -> None:
    leaders, rng = Leaders(8), random.Random(3)
    vectors = {f"leader {n}": crowded(rng, 0.0, 8) for n in range(100)}
    for name, vector in vectors.items():
        leaders.add(Leader(name, vector, 0.99))
    for name in list(vectors)[:50]:
        leaders.drop(name)
    assert len(leaders) == 50
    assert [leaders.nearest(vector) == name for name, vector in vectors.items()] == [False] * 50 + [True] * 50


def test_bytes_that_are_no_vector_have_no_direction() -> None:
    assert [unit(b""), unit(b"\0\0\0"), unit(b"\0" * 8)] == [None, None, None]
