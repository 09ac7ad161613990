"""Interleaving: all of both, nothing twice, teams of one size, and no side first more often."""

import random

from headwater_kit.core.learning import Team
from headwater_retrieve.domain.interleaving import team_draft
from hypothesis import given
from hypothesis import strategies as st

rankings = st.lists(st.integers(0, 30), unique=True, max_size=20)


def drafted(champion: list[int], challenger: list[int], seed: int) -> list[tuple[int, Team]]:
    return team_draft(champion, challenger, int, random.Random(seed))


@given(rankings, rankings, st.integers())
def test_nothing_is_lost_added_or_doubled(champion: list[int], challenger: list[int], seed: int) -> None:
    items = [item for item, _ in drafted(champion, challenger, seed)]
    assert len(items) == len(set(items))
    assert set(items) == {*champion, *challenger}


@given(st.permutations(range(12)), st.permutations(range(12)), st.integers())
def test_after_each_round_both_sides_have_picked_as_often(one: list[int], other: list[int], seed: int) -> None:
    teams = [team for _, team in drafted(one, other, seed)]
    for end in range(0, len(teams), 2):
        assert teams[:end].count(Team.CHAMPION) == end / 2


@given(rankings, rankings, st.integers())
def test_each_pick_is_the_best_that_its_side_has_left(champion: list[int], challenger: list[int], seed: int) -> None:
    orders = {Team.CHAMPION: champion, Team.CHALLENGER: challenger}
    shown: set[int] = set()
    for item, team in drafted(champion, challenger, seed):
        assert item == next(each for each in orders[team] if each not in shown)
        shown.add(item)


@given(rankings, st.integers())
def test_two_like_orders_are_that_order(ranking: list[int], seed: int) -> None:
    assert [item for item, _ in drafted(ranking, ranking, seed)] == ranking


def test_no_side_is_favoured() -> None:
    """Each side's order turned into the other's: what one gets with a coin, the other gets with its other face."""
    firsts = [drafted([1, 2, 3], [4, 5, 6], seed)[0][1] for seed in range(4_000)]
    assert 0.47 < firsts.count(Team.CHAMPION) / len(firsts) < 0.53
