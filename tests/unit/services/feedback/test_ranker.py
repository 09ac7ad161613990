import hashlib
import math
import random

import numpy as np
import pytest
from headwater_feedback.domain.learners import Example
from headwater_feedback.domain.preferences import Preferences
from headwater_feedback.domain.ranker import RankerLearner, RankerPolicy, gradient, warm_start
from headwater_kit.codec.models import component_bytes
from headwater_kit.core.learning import FEATURES, RankerModel, ServingPolicy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from unit.services.feedback.closed_lists import closed, item

HALF = math.log(0.5)
Rows = arrays(np.float64, (4, len(FEATURES)), elements=st.floats(-3, 3))
Weights = arrays(np.float64, len(FEATURES), elements=st.floats(-2, 2))


def example(number: int, liked: int = 2, policy: ServingPolicy = ServingPolicy.LEARN) -> Example:
    """A list of two; the second feature tells which of them is liked."""
    told = [(0.0, 1.0 if rank == liked else -1.0) for rank in (1, 2)]
    items = [item(1, told[0], HALF), item(2, told[1], 0.0)]
    return closed(items, {liked: 1.0}, impression_id=f"i{number}", policy=policy)


def weights(learner: RankerLearner, examples: list[Example]) -> tuple[float, ...]:
    offered = [model for each in examples for model in learner.take(each)]
    learned = offered[-1].learned
    assert isinstance(learned, RankerModel)
    return learned.weights


@given(Rows, Weights, arrays(np.float64, 3, elements=st.floats(0, 3)))
def test_the_gradient_is_that_of_the_probability_that_the_better_goes_first(
    features: np.ndarray, at: np.ndarray, counts: np.ndarray
) -> None:
    pairs = Preferences(np.array([0, 0, 3]), np.array([1, 2, 1]), counts, features)

    def value(where: np.ndarray) -> float:
        scores = features @ where
        return float((counts / (1.0 + np.exp(scores[pairs.worse] - scores[pairs.better]))).sum())

    step = 1e-6
    numeric = [(value(at + step * axis) - value(at - step * axis)) / (2 * step) for axis in np.eye(len(FEATURES))]
    assert gradient(at, pairs) == pytest.approx(numeric, abs=1e-6)


def test_it_begins_at_the_fused_order() -> None:
    assert dict(zip(FEATURES, warm_start(), strict=True)) == {name: float(name == "fused") for name in FEATURES}


def test_it_learns_what_tells_the_liked_passage() -> None:
    learner = RankerLearner("acme", RankerPolicy(offer_every=100))
    found = weights(learner, [example(number, liked=1 + number % 2) for number in range(300)])
    assert found[1] > 0.2
    assert found[0] == pytest.approx(1.0)


@pytest.mark.parametrize("policy", [each for each in ServingPolicy if each is not ServingPolicy.LEARN])
def test_it_is_fed_from_the_learn_bucket_alone(policy: ServingPolicy) -> None:
    learner = RankerLearner("acme", RankerPolicy(offer_every=1))
    assert not learner.take(example(1, policy=policy))


def test_it_offers_at_fixed_counts_of_lists() -> None:
    learner = RankerLearner("acme", RankerPolicy(offer_every=3))
    offers = [learner.take(example(number)) for number in range(7)]
    assert [len(each) for each in offers] == [0, 0, 1, 0, 0, 1, 0]
    assert [each[0].example_count for each in offers if each] == [3, 6]


def test_a_repeated_list_counts_once() -> None:
    once, twice = (RankerLearner("acme", RankerPolicy(offer_every=2)) for _ in range(2))
    assert weights(once, [example(1), example(2)]) == weights(twice, [example(1), example(1), example(2)])


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=20))
def test_no_weight_goes_farther_than_it_may(told: list[tuple[float, float]]) -> None:
    policy = RankerPolicy(rate=10.0, longest=5.0, farthest=0.5, offer_every=1)
    learner = RankerLearner("acme", policy)
    lists = [
        closed([item(1, [one] * 12, HALF), item(2, [other] * 12, 0.0)], {2: 1.0}, impression_id=f"i{number}")
        for number, (one, other) in enumerate(told)
    ]
    assert np.abs(np.array(weights(learner, lists)) - warm_start()).max() <= 0.5 + 1e-9


def test_a_step_is_no_longer_than_its_bound() -> None:
    learner = RankerLearner("acme", RankerPolicy(rate=0.1, longest=1.0, offer_every=1))
    found = weights(learner, [closed([item(1, [0.0], HALF), item(2, [0.0, 1e3], 0.0)], {1: 1.0})])
    assert np.linalg.norm(np.array(found) - warm_start()) <= 0.1 + 1e-9


@given(st.integers(0, 2**32), st.permutations(range(5)))
def test_ties_are_nothing_to_learn_from_in_whatever_order(seed: int, order: list[int]) -> None:
    rng = random.Random(seed)
    same = [rng.uniform(-1, 1) for _ in FEATURES]
    items = [item(1 + place, same, math.log(1 / (5 - rank))) for rank, place in enumerate(sorted(order))]
    learner = RankerLearner("acme", RankerPolicy(offer_every=1))
    assert weights(learner, [closed(items, {1 + order[0]: 1.0})]) == tuple(warm_start())


@given(st.integers(0, 2**32))
def test_the_same_examples_give_the_same_bytes(seed: int) -> None:
    def replayed() -> str:
        rng = random.Random(seed)
        learner, digest = RankerLearner("acme", RankerPolicy(offer_every=5)), hashlib.sha256()
        for number in range(30):
            chance = rng.uniform(0.2, 0.8)
            items = [
                item(1, [rng.gauss(0, 1) for _ in FEATURES], math.log(chance)),
                item(2, [rng.gauss(0, 1) for _ in FEATURES], 0.0),
            ]
            liked = closed(items, {rng.randint(1, 2): 1.0}, impression_id=f"i{number}")
            for offered in learner.take(liked):
                digest.update(component_bytes(offered.learned))
        return digest.hexdigest()

    assert len({replayed() for _ in range(3)}) == 1
