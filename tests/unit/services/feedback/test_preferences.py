"""The weights of pairs, held against all lists that could have been drawn."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from headwater_feedback.domain.lessons import Lesson
from headwater_feedback.domain.preferences import EXPERT_WEIGHT, Preferences, drawn, preferences, swap_share
from headwater_kit.core.impressions import ImpressionClosed, ImpressionItem
from hypothesis import given
from hypothesis import strategies as st
from unit.services.feedback.closed_lists import closed, item

Scores = st.lists(st.floats(-3, 3), min_size=2, max_size=5)


def log_propensities(scores: Sequence[float], order: Sequence[int]) -> list[float]:
    """As Plackett-Luce draws them."""
    left, found = list(range(len(scores))), []
    for place in order:
        found.append(scores[place] - math.log(sum(math.exp(scores[other]) for other in left)))
        left.remove(place)
    return found


def listed(scores: Sequence[float], order: Sequence[int]) -> list[ImpressionItem]:
    chances = log_propensities(scores, order)
    return [item(rank, (), min(0.0, chance)) for rank, chance in enumerate(chances, start=1)]


def of(items: Sequence[ImpressionItem], labels: dict[int, float]) -> Preferences:
    event = closed(items, labels).event
    assert isinstance(event, ImpressionClosed)
    return preferences(Lesson(event))


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=5))
def test_strengths_are_those_that_the_list_was_drawn_by(scores: list[float]) -> None:
    for order in permutations(range(len(scores))):
        strengths, _ = drawn(listed(scores, order))
        total = math.log(sum(math.exp(score) for score in scores))
        expected = [scores[place] - total for place in order]
        # Where one has nearly all the chance, what it leaves is known less exactly.
        assert np.exp(strengths) == pytest.approx(np.exp(expected[: len(strengths)]), abs=1e-9)


@given(Scores, st.integers(0, 4), st.integers(0, 4))
def test_the_share_is_that_of_both_lists_probabilities(scores: list[float], one: int, other: int) -> None:
    one, other = one % len(scores), other % len(scores)
    for order in permutations(range(len(scores))):
        swapped = list(order)
        swapped[one], swapped[other] = order[other], order[one]
        shown = math.exp(sum(log_propensities(scores, order)))
        exchanged = math.exp(sum(log_propensities(scores, swapped)))
        share = swap_share(*drawn(listed(scores, order)), one, other)
        assert share == pytest.approx(exchanged / (shown + exchanged), abs=1e-6)


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=4), st.floats(0.1, 0.9))
def test_users_who_like_two_passages_alike_teach_nothing_whichever_stood_higher(
    scores: list[float], patience: float
) -> None:
    """Summed over all lists that may be drawn: who looks at rank r with chance patience^r clicks either as often."""
    better: dict[tuple[int, int], float] = {}
    for order in permutations(range(len(scores))):
        chance = math.exp(sum(log_propensities(scores, order)))
        strengths, left = drawn(listed(scores, order))
        for high, low in ((0, 1), (0, len(scores) - 1)):
            looked = patience**low
            weight = chance * looked * 0.25 * swap_share(strengths, left, high, low)
            better[order[high], order[low]] = better.get((order[high], order[low]), 0.0) + weight
            better[order[low], order[high]] = better.get((order[low], order[high]), 0.0) + weight
    for (one, other), value in better.items():
        assert value == pytest.approx(better[other, one], abs=1e-9)


def test_without_the_weights_a_passage_that_stands_high_is_preferred() -> None:
    """The same users teach a wrong order where clicks alone are counted: the weights do something."""
    scores, counts = (2.0, 0.0), {0: 0.0, 1: 0.0}
    for order in permutations(range(2)):
        chance = math.exp(sum(log_propensities(scores, order)))
        strengths, left = drawn(listed(scores, order))
        counts[order[0]] += chance
        assert chance * swap_share(strengths, left, 0, 1) == pytest.approx(0.8808 * 0.1192, abs=1e-4)
    assert counts[0] > 5 * counts[1]


def test_what_was_appended_without_being_drawn_says_nothing() -> None:
    items = [item(1, (), math.log(0.5)), item(2, (), 0.0), item(3, (), 0.0)]
    found = of(items, {1: 1.0, 3: 1.0})
    assert list(zip(found.better, found.worse, strict=True)) == [(0, 1)]


def test_a_list_in_a_fixed_order_says_nothing() -> None:
    assert len(of([item(rank, (), 0.0) for rank in (1, 2, 3)], {2: 1.0}).weights) == 0


def test_what_was_not_looked_at_is_no_worse() -> None:
    event = closed(listed((0.0, 0.0, 0.0), (0, 1, 2)), {1: 1.0}).event
    assert isinstance(event, ImpressionClosed)
    unseen = tuple(replace(each, examined=each.rank < 3) for each in event.judgements)
    found = preferences(Lesson(replace(event, judgements=unseen)))
    assert list(found.worse) == [1]


def test_lists_without_features_say_nothing() -> None:
    items = [replace(each, features=()) for each in listed((0.0, 0.0), (0, 1))]
    assert len(of(items, {1: 1.0}).weights) == 0


def test_an_expert_counts_more_and_an_amendment_by_its_experts_alone() -> None:
    items = listed((0.0, 0.0), (0, 1))
    plain, expert = (closed(items, {2: 1.0}, expert=said).event for said in (False, True))
    assert isinstance(plain, ImpressionClosed)
    assert isinstance(expert, ImpressionClosed)
    by_users, by_expert = preferences(Lesson(plain)).weights, preferences(Lesson(expert)).weights
    assert by_expert == pytest.approx(EXPERT_WEIGHT * by_users)
    assert len(preferences(Lesson(plain, is_amended=True)).weights) == 0
    assert np.array_equal(preferences(Lesson(expert, is_amended=True)).weights, by_expert)
