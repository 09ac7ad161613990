from math import log2

import pytest
from headwater_feedback.domain.bandits import (
    DENSE_FACTOR,
    FUSION,
    BanditLearner,
    fusion_bandit,
    ordering,
    rewarded,
)
from headwater_feedback.domain.learners import Example, Trained
from headwater_kit.core.impressions import ImpressionClosed
from headwater_kit.core.learning import Arm, BanditModel, ServingPolicy
from hypothesis import given
from hypothesis import strategies as st
from unit.services.feedback.closed_lists import closed, item

ITEMS = [item(rank) for rank in (1, 2, 3)]


def chosen(arm: str, liked: dict[int, float], number: int = 1) -> Example:
    return closed(ITEMS, liked, impression_id=f"i{number}", arms={FUSION: arm}, policy=ServingPolicy.LEARN)


def arms(offered: Trained) -> dict[str, Arm]:
    learned = offered.learned
    assert isinstance(learned, BanditModel)
    return {arm.name: arm for arm in learned.arms}


@pytest.mark.parametrize(
    ("liked", "reward"), [({1: 1.0}, 1.0), ({3: 1.0}, 0.5), ({}, 0.0), ({1: 1.0, 2: 1.0}, 1.0), ({1: -1.0}, 0.0)]
)
def test_an_order_is_worth_how_high_what_was_liked_stood(liked: dict[int, float], reward: float) -> None:
    event = closed(ITEMS, liked).event
    assert isinstance(event, ImpressionClosed)
    assert ordering(event) == pytest.approx(reward)


def test_its_untried_arms_are_offered_at_the_first_example_so_that_they_are_tried() -> None:
    learner = BanditLearner("acme", fusion_bandit())
    (first,) = learner.take(closed(ITEMS, {}, policy=ServingPolicy.EXPLOIT))
    assert {arm.successes + arm.failures for arm in arms(first).values()} == {0.0}
    assert arms(first)["as_set"].values == {DENSE_FACTOR: 1.0}
    assert not learner.take(chosen("as_set", {1: 1.0}))


def test_it_counts_what_the_chosen_arm_earned_and_fades_all() -> None:
    before = (Arm("a", {}, 10.0, 4.0), Arm("b", {}, 2.0, 2.0))
    after = rewarded(before, "a", 1 / log2(3), 0.5)
    assert [arm.successes for arm in after] == pytest.approx([5 + 1 / log2(3), 1.0])
    assert [arm.failures for arm in after] == pytest.approx([2 + 1 - 1 / log2(3), 1.0])


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1)), max_size=200))
def test_what_is_remembered_is_bounded(rewards: list[tuple[str, float]]) -> None:
    both = (Arm("a", {}), Arm("b", {}))
    for name, reward in rewards:
        both = rewarded(both, name, reward, 0.9)
    assert sum(arm.successes + arm.failures for arm in both) <= 10.0 + 1e-9


def test_an_arm_that_is_not_known_and_a_list_of_another_policy_earn_nothing() -> None:
    learner = BanditLearner("acme", fusion_bandit())
    learner.take(chosen("as_set", {1: 1.0}, 0))
    for number in range(200):
        assert not learner.take(chosen("gone", {1: 1.0}, 1_000 + number))
        exploited = closed(
            ITEMS, {1: 1.0}, impression_id=f"e{number}", arms={FUSION: "as_set"}, policy=ServingPolicy.EXPLOIT
        )
        assert not learner.take(exploited)


def test_a_list_rewards_once() -> None:
    learner = BanditLearner("acme", fusion_bandit())
    offers = [learner.take(chosen("as_set", {1: 1.0}, number // 2)) for number in range(100)]
    last = [each[0] for each in offers if each][-1]
    assert last.example_count == 50
    assert arms(last)["as_set"].successes == pytest.approx((1 - 0.999**50) / 0.001)
