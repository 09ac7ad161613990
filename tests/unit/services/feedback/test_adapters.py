from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from headwater_feedback.domain.adapters import AdapterLearner, AdapterPolicy, strongest
from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.domain.topics import unpacked
from headwater_kit.codec.models import component_bytes
from headwater_kit.core.bytevectors import to_bytes
from headwater_kit.core.learning import Adapter, AdapterModel, ServingPolicy
from hypothesis import given
from hypothesis import strategies as st
from unit.services.feedback.closed_lists import closed, item

DIMENSION = 8
ONE, OTHER = 0, 4
POLICY = AdapterPolicy(min_questions=3, offer_every=1)


def packed(*numbers: float) -> bytes:
    vector = np.array((*numbers, *[0.0] * (DIMENSION - len(numbers))))
    return bytes((vector / np.linalg.norm(vector)).astype("<f4").tobytes())


# What is liked lies along the third axis, what is not along the fourth.
VECTORS = {1: to_bytes(packed(1.0, 0, 0, 1.0)), 2: to_bytes(packed(1.0, 0, 1.0))}
ITEMS = [replace(item(rank), vector=vector) for rank, vector in VECTORS.items()]


def question(number: int, axis: int = ONE) -> bytes:
    """Questions of one topic lie about one axis."""
    vector = np.zeros(DIMENSION)
    vector[axis], vector[axis + 1] = 1.0, 0.02 * number
    return packed(*vector)


def asked(number: int, user: str, liked: int = 2, axis: int = ONE) -> Example:
    return closed(
        ITEMS,
        {liked: 1.0},
        impression_id=f"{user}{axis}{number}",
        policy=ServingPolicy.EXPLOIT,
        query_vector=question(number, axis),
        pseudonym=user,
    )


def last(examples: Sequence[Example], policy: AdapterPolicy = POLICY) -> Trained | None:
    """What is offered after the last example."""
    learner = AdapterLearner("acme", policy)
    return [next(iter(learner.take(example)), None) for example in examples][-1]


def adapters(trained: Trained | None) -> tuple[Adapter, ...]:
    if trained is None:
        return ()
    assert isinstance(trained.learned, AdapterModel)
    return trained.learned.adapters


def turned(adapter: Adapter, vector: bytes) -> np.ndarray:
    q, u, v = unpacked(vector), unpacked(adapter.u), unpacked(adapter.v)
    moved = q + u.reshape(-1, adapter.rank) @ (v.reshape(adapter.rank, -1) @ q)
    return np.asarray(moved / np.linalg.norm(moved))


def topic(axis: int = ONE, users: str = "ab", liked: int = 2) -> list[Example]:
    return [asked(number, user, liked, axis) for number in range(4) for user in users]


def test_a_question_that_was_never_asked_is_turned_to_what_its_topic_liked() -> None:
    (adapter,) = adapters(last(topic()))
    before, after = unpacked(question(9)), turned(adapter, question(9))
    liked, passed = unpacked(packed(1.0, 0, 1.0)), unpacked(packed(1.0, 0, 0, 1.0))
    assert (liked - passed) @ after > (liked - passed) @ before + 0.1


def test_a_new_topic_leaves_an_old_ones_adapter_as_it_is() -> None:
    alone, beside = last(topic()), last([*topic(), *topic(OTHER, liked=1)])
    assert len(adapters(beside)) == 2
    assert adapters(beside)[0] == adapters(alone)[0]


@pytest.mark.parametrize("users", ["a", "aaaa"])
def test_one_user_alone_turns_nothing(users: str) -> None:
    assert not adapters(last(topic(users=users)))


def test_users_who_disagree_turn_nothing() -> None:
    against = [
        replace(example, event=replace(example.event, impression=replace(example.event.impression, impression_id=name)))
        for name, example in (
            (f"d{number}{user}", closed_against(number, user)) for number in range(4) for user in "cd"
        )
    ]
    assert not adapters(last([*topic(), *against]))


def closed_against(number: int, user: str) -> Example:
    return closed(
        ITEMS,
        {2: -1.0},
        policy=ServingPolicy.EXPLOIT,
        query_vector=question(number),
        pseudonym=user,
    )


def test_a_passage_whose_vector_never_came_teaches_nothing_and_one_that_came_once_is_known() -> None:
    bare = [closed_without_vectors(number, user) for number in range(4) for user in "ab"]
    assert not adapters(last(bare))
    assert adapters(last([*topic(users="a"), *bare])) == adapters(last([*topic(users="a"), *topic(users="b")]))


def closed_without_vectors(number: int, user: str) -> Example:
    return closed(
        [item(1), item(2)],
        {2: 1.0},
        impression_id=f"{user}{number}",
        policy=ServingPolicy.EXPLOIT,
        query_vector=question(number),
        pseudonym=user,
    )


def test_vectors_of_another_model_begin_anew() -> None:
    other = [
        replace(example, event=replace(example.event, impression=replace(example.event.impression, model_id="other")))
        for example in topic()[:2]
    ]
    assert not adapters(last([*topic(), *other]))


def test_no_more_passages_are_remembered_than_may_be() -> None:
    assert not adapters(last(topic(), replace(POLICY, max_passages=1)))


def test_few_questions_make_no_adapter_and_no_more_are_remembered_than_may_be() -> None:
    assert not adapters(last(topic(), replace(POLICY, min_questions=5)))
    assert not adapters(last(topic(), replace(POLICY, max_questions=2)))
    assert len(adapters(last([*topic(), *topic(OTHER)], replace(POLICY, max_topics=1)))) == 1


@given(st.permutations([example for axis in (ONE, OTHER) for example in topic(axis)]))
def test_the_same_examples_give_the_same_bytes(examples: list[Example]) -> None:
    found = [last(examples) for _ in range(3)]
    assert len({component_bytes(each.learned) for each in found if each}) == 1


def test_the_strongest_directions_are_the_nearest_matrix_of_their_rank() -> None:
    rng = np.random.default_rng(1)
    pull = np.outer(rng.normal(size=5), rng.normal(size=5)) + np.outer(rng.normal(size=5), rng.normal(size=5))
    u, v = strongest(pull, 2)
    assert u @ v == pytest.approx(pull)
    assert all(row[np.abs(row).argmax()] > 0 for row in v)
