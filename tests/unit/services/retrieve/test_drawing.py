"""Drawing: a permutation, with the exact probability of it, from a seed."""

import itertools
import random
from math import exp, fsum, log, prod

import pytest
from headwater_retrieve.domain.drawing import draw, log_propensities
from hypothesis import given
from hypothesis import strategies as st

scores = st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=12)
temperatures = st.floats(0.05, 10.0)


def probability(strengths: list[float]) -> float:
    """Of drawing them in this order, as Plackett and Luce say it."""
    weights = [exp(each) for each in strengths]
    return prod(weight / fsum(weights[place:]) for place, weight in enumerate(weights))


@given(scores, temperatures, st.integers())
def test_a_draw_is_a_permutation_and_the_seed_repeats_it(found: list[float], temperature: float, seed: int) -> None:
    drawn = draw(found, temperature, random.Random(seed))
    assert sorted(drawn.order) == list(range(len(found)))
    assert draw(found, temperature, random.Random(seed)) == drawn
    assert all(each <= 0.0 for each in drawn.log_propensities)
    assert drawn.log_propensities[-1] == 0.0


@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=5), st.floats(0.2, 5.0))
def test_log_propensities_sum_to_the_log_probability_of_every_order(found: list[float], temperature: float) -> None:
    strengths = [score / temperature for score in found]
    all_orders = list(itertools.permutations(strengths))
    told = [sum(log_propensities(order)) for order in all_orders]
    assert told == pytest.approx([log(probability(list(order))) for order in all_orders], abs=1e-9)
    # And the orders are all there are.
    assert fsum(map(exp, told)) == pytest.approx(1.0)


def test_orders_come_as_often_as_told() -> None:
    found, temperature, draws = [1.0, 0.5, 0.2], 0.5, 20_000
    rng = random.Random(7)
    seen: dict[tuple[int, ...], int] = dict.fromkeys(itertools.permutations(range(3)), 0)
    for _ in range(draws):
        seen[draw(found, temperature, rng).order] += 1
    for order, count in seen.items():
        likely = probability([found[place] / temperature for place in order])
        assert count / draws == pytest.approx(likely, abs=0.012)


@given(scores, st.integers())
def test_far_from_doubt_nothing_is_exchanged(found: list[float], seed: int) -> None:
    apart = [100.0 * place for place in range(len(found))]
    assert draw(apart, 0.25, random.Random(seed)).order == tuple(reversed(range(len(found))))


def test_scores_out_of_the_range_of_exp_are_drawn_too() -> None:
    drawn = draw([1e6, -1e6, 0.0], 0.01, random.Random(1))
    assert drawn.order == (0, 2, 1)
    assert drawn.log_propensities == (0.0, 0.0, 0.0)
