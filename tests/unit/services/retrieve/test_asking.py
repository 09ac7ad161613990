"""Whose opinion of which passage is asked for."""

from dataclasses import replace

import pytest
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, Principal
from headwater_kit.core.shape import Shape
from headwater_retrieve.domain.asking import DAY_SECONDS, DEPTH, LEAST, RECENT, Asking, AskingPolicy, worth
from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.query import Query
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.test_handlers import names
from unit.services.retrieve.test_learning import ALL, QUESTION, TEACHING, opened

ADA = Principal("acme", "ada")


def candidate(fused: float, dense: int = 1, lexical: int = 1, memory: float | None = None) -> Candidate:
    passage = Passage(Chunk(f"c{fused}", 0, "text", (), 0, 4, 1, "h"), "doc", 1, DocumentInfo())
    return Candidate(passage, 0.5, 1.0, fused, memory, dense_rank=dense, lexical_rank=lexical)


CLEAR = [candidate(9.0), candidate(6.0, 2, 2), candidate(3.0, 3, 3)]
DOUBTFUL = [candidate(9.0), candidate(6.0, 2, 2), candidate(5.9, 3, 3)]


def test_what_is_in_doubt_is_worth_more_than_what_is_clear() -> None:
    assert max(worth(DOUBTFUL, 3.0)) > 2 * max(worth(CLEAR, 3.0))
    assert worth(DOUBTFUL, 3.0).index(max(worth(DOUBTFUL, 3.0))) == 1


def test_legs_that_disagree_make_doubt_and_votes_take_it_away() -> None:
    assert worth([candidate(9.0, 1, 8), *CLEAR[1:]], 3.0)[0] > worth(CLEAR, 3.0)[0]
    voted = [each if place != 1 else replace(each, memory=2.5) for place, each in enumerate(DOUBTFUL)]
    assert worth(voted, 3.0)[1] < 0.5 * worth(DOUBTFUL, 3.0)[1]


@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(0, 99), st.integers(0, 99), st.none() | st.floats(-9, 9))))
def test_worth_is_0_to_1_of_the_first_alone(rows: list[tuple[float, int, int, float | None]]) -> None:
    found = worth([candidate(*row) for row in rows], 3.0)
    assert len(found) == min(DEPTH, len(rows))
    assert all(0.0 <= each <= 1.0 for each in found)


def asked(asking: Asking, count: int, principal: Principal = ADA, now: float = 0.0) -> int:
    """How often, of so many searches, every tenth of which leaves a doubt."""
    lists = [DOUBTFUL if number % 10 == 9 else CLEAR for number in range(count)]
    return sum(asking.rank(one, principal, now) > 0 for one in lists)


def test_a_share_is_asked_of_those_that_teach_most() -> None:
    asking = Asking(AskingPolicy(share=0.1, per_day=1_000))
    asked(asking, RECENT)
    assert asked(asking, 200) == 20
    assert asking.rank(CLEAR, ADA, 0.0) == 0
    assert asked(Asking(AskingPolicy(share=0.0)), 200) == 0


def test_nobody_is_asked_before_there_is_something_to_compare_with() -> None:
    assert asked(Asking(AskingPolicy(share=1.0, per_day=1_000)), LEAST) == 0


def test_a_user_is_asked_so_often_a_day_and_others_and_tomorrow_are_not_his() -> None:
    asking = Asking(AskingPolicy(share=1.0, per_day=2))
    asked(asking, LEAST)
    assert asked(asking, 50) == 2
    assert asked(asking, 50, Principal("acme", "bob")) == 2
    assert asked(asking, 50, now=DAY_SECONDS) == 2


@pytest.mark.parametrize(
    ("query", "may_ask"),
    [
        (replace(QUESTION, top_k=ALL), True),
        (replace(QUESTION, exploit_only=True), False),
        (replace(QUESTION, shape=Shape(diversity=0.5)), False),
    ],
)
async def test_asking_has_no_part_in_the_order(query: Query, may_ask: bool) -> None:
    bench, other = await opened(TEACHING), await opened(TEACHING)
    searches = [await bench.ask(replace(query, impression_id=f"i{number}")) for number in range(80)]
    assert any(each.rating_wanted for each in searches) is may_ask
    assert all(each.rating_wanted <= DEPTH for each in searches)
    # Nobody has been asked there, nor is yet.
    for number in range(0, 80, 20):
        assert names(await other.ask(replace(query, impression_id=f"i{number}"))) == names(searches[number])
