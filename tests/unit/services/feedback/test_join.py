from dataclasses import replace
from itertools import permutations

import pytest
from headwater_feedback.domain.join import MAX_PARKED, Event, JoinState, advance
from headwater_kit.core.documents import ANONYMOUS, Chunk, DocumentInfo, Passage, ScoreParts
from headwater_kit.core.events import AnswerGenerated, Citation
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionItem,
    ImpressionRecorded,
    Reaction,
)
from hypothesis import given
from hypothesis import strategies as st


def item(rank: int) -> ImpressionItem:
    return ImpressionItem(f"chunk-{rank}", f"doc-{rank}", 1, f"hash-{rank}", rank, 1.0, ScoreParts())


def impression(for_answer: bool = False, user: str = "ann") -> ImpressionRecorded:
    items = (item(1), item(2), item(3))
    return ImpressionRecorded("i", "acme", user, "q", b"", "m", items, 0.0, for_answer)


def answer(*ranks: int) -> AnswerGenerated:
    def cite(number: int, rank: int) -> Citation:
        passage = Passage(Chunk(f"chunk-{rank}", 0, "text", (), 0, 4, 1, "h"), f"doc-{rank}", 1, DocumentInfo())
        return Citation(number, passage, "text", 0, 4)

    cited = tuple(cite(number, rank) for number, rank in enumerate(ranks, 1))
    return AnswerGenerated("i", "acme", "ann", "q", "a", cited, None, "extractive", 0.0)


def feedback(rank: int = 0, tenant: str = "acme", feedback_id: str = "f", user: str = "ann") -> FeedbackRecorded:
    return FeedbackRecorded(feedback_id, "i", tenant, user, Reaction.UP, rank, 1.0)


def run(*events: Event) -> list[FeedbackJoined]:
    state, joined = JoinState(since=0.0), []
    for event in events:
        state, completed = advance(state, event)
        joined += completed
    return joined


def meant(joined: list[FeedbackJoined]) -> list[list[int]]:
    return [[one.rank for one in join.items] for join in joined]


@pytest.mark.parametrize("order", list(permutations([impression(), feedback(2)])))
def test_a_reaction_is_joined_whatever_comes_first(order: tuple[Event, ...]) -> None:
    assert meant(run(*order)) == [[2]]


@pytest.mark.parametrize("order", list(permutations([impression(for_answer=True), answer(3, 2), feedback()])))
def test_a_reaction_to_an_answer_means_what_it_cites(order: tuple[Event, ...]) -> None:
    assert meant(run(*order)) == [[2, 3]]


def test_a_reaction_to_a_search_as_a_whole_means_its_first_item() -> None:
    assert meant(run(impression(), feedback())) == [[1]]


def test_a_reaction_to_an_answer_without_citations_means_the_first_item() -> None:
    assert meant(run(impression(for_answer=True), answer(), feedback())) == [[1]]


def test_another_tenants_reaction_is_not_joined() -> None:
    assert run(impression(), feedback(1, tenant="evil")) == []


@pytest.mark.parametrize("order", list(permutations([impression(), feedback(1, user="ben"), feedback(2)])))
def test_only_who_was_shown_a_list_reacts_to_it(order: tuple[Event, ...]) -> None:
    assert meant(run(*order)) == [[2]]


def test_a_reaction_takes_no_place_of_anothers_under_the_same_id() -> None:
    assert meant(run(feedback(2), feedback(1, user="ben"), impression())) == [[2]]


def test_what_somebody_anonymous_was_shown_anybody_of_the_tenant_may_react_to() -> None:
    shown = impression(user=ANONYMOUS)
    assert meant(run(shown, feedback(1, user="ben"), feedback(2, user=ANONYMOUS, feedback_id="g"))) == [[1], [2]]
    assert run(impression(), feedback(1, user=ANONYMOUS)) == []


@pytest.mark.parametrize("other", [{"user": "ben"}, {"tenant": "evil"}])
def test_an_impression_under_an_id_that_is_taken_takes_nobodys_place(other: dict[str, str]) -> None:
    taken = replace(impression(), items=(item(3),), **other)  # type: ignore[arg-type]
    assert meant(run(impression(), taken, feedback(2))) == [[2]]
    assert meant(run(impression(), replace(impression(), items=(item(3),)), feedback(3))) == [[3]]


def test_a_rank_that_was_not_shown_is_not_joined() -> None:
    assert run(impression(), feedback(9)) == []


@given(st.lists(st.sampled_from([impression(), feedback(1), feedback(2, feedback_id="g")]), max_size=12))
def test_repeats_never_join_what_was_not_sent(events: list[Event]) -> None:
    joined = run(*events)
    sent = {event.feedback_id for event in events if isinstance(event, FeedbackRecorded)}
    assert {join.feedback.feedback_id for join in joined} == (sent if impression() in events else set())


def test_what_waits_is_bounded() -> None:
    state = JoinState(since=0.0)
    for number in range(MAX_PARKED + 10):
        state, _ = advance(state, feedback(feedback_id=str(number)))
    assert len(state.parked) == MAX_PARKED
