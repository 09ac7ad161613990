from dataclasses import replace
from itertools import permutations

import pytest
from headwater_feedback.domain.join import (
    MAX_REACTIONS,
    MAX_USER_REACTIONS,
    Event,
    JoinState,
    Terms,
    advance,
    closing,
    closings,
    given_up,
)
from headwater_feedback.domain.refusing import Reason
from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.impressions import FeedbackJoined, FeedbackRecorded, Reaction
from hypothesis import given
from hypothesis import strategies as st
from unit.services.feedback.shown import answer, feedback, impression, item

TERMS = Terms(close_seconds=30.0, amend_seconds=100.0)


class Run:
    """What came out, in order."""

    def __init__(self, *events: Event, terms: Terms = TERMS) -> None:
        self.state = JoinState(since=0.0)
        self.terms = terms
        self.joined: list[FeedbackJoined] = []
        self.reasons: list[Reason] = []
        self.amended = 0
        self.take(*events)

    def take(self, *events: Event) -> None:
        for event in events:
            step = advance(self.state, event, self.terms)
            self.state = step.state
            self.joined += step.joined
            self.reasons += [refused.reason for refused in step.refused]
            self.amended += bool(step.amended)

    @property
    def meant(self) -> list[list[int]]:
        return [[one.rank for one in join.items] for join in self.joined]


@pytest.mark.parametrize("order", list(permutations([impression(), feedback(2)])))
def test_a_reaction_is_joined_whatever_comes_first(order: tuple[Event, ...]) -> None:
    assert Run(*order).meant == [[2]]


@pytest.mark.parametrize("order", list(permutations([impression(for_answer=True), answer(3, 2), feedback()])))
def test_a_reaction_to_an_answer_means_what_it_cites(order: tuple[Event, ...]) -> None:
    assert Run(*order).meant == [[2, 3]]


def test_a_reaction_as_a_whole_means_the_first_item_where_nothing_is_cited() -> None:
    assert Run(impression(), feedback()).meant == [[1]]
    assert Run(impression(for_answer=True), answer(), feedback()).meant == [[1]]


def test_a_repeated_event_leads_to_nothing() -> None:
    run = Run(impression(), feedback(2))
    once = run.state
    run.take(impression(), feedback(2), replace(feedback(2), time=9.0))
    assert run.state == once
    assert (run.meant, run.reasons) == ([[2]], [])


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (feedback(1, tenant="evil"), Reason.OTHER_TENANT),
        (feedback(1, user="ben"), Reason.NOT_SHOWN_TO_USER),
        (feedback(1, user=ANONYMOUS), Reason.NOT_SHOWN_TO_USER),
        (feedback(9), Reason.NOT_SHOWN),
        (feedback(1, time=100.1), Reason.TOO_LATE),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_may_have_no_effect_is_refused_with_its_reason(
    said: FeedbackRecorded, reason: Reason, is_first: bool
) -> None:
    run = Run(*((said, impression()) if is_first else (impression(), said)))
    assert (run.reasons, run.joined, run.state.reactions) == ([reason], [], ())


def test_a_list_without_items_takes_no_reaction() -> None:
    assert Run(impression(items=0), feedback()).reasons == [Reason.NOT_SHOWN]


def test_an_id_names_one_reaction_of_a_user() -> None:
    run = Run(impression(), feedback(1), feedback(2), feedback(1, Reaction.DOWN))
    assert run.meant == [[1]]
    assert run.reasons == [Reason.DUPLICATE_ID_OTHER_CONTENT] * 2
    shared = Run(feedback(2), feedback(1, user="ben"), impression())
    assert shared.meant == [[2]]
    assert shared.reasons == [Reason.NOT_SHOWN_TO_USER]


def test_a_flood_is_refused_by_user_and_by_list() -> None:
    run = Run(impression(), *(feedback(1, feedback_id=str(n)) for n in range(MAX_USER_REACTIONS + 2)))
    assert run.reasons == [Reason.FLOOD] * 2
    crowd = Run(*(feedback(1, feedback_id=str(n), user=str(n)) for n in range(MAX_REACTIONS + 2)))
    assert crowd.reasons == [Reason.FLOOD] * 2
    assert len(crowd.state.reactions) == MAX_REACTIONS


def test_what_somebody_anonymous_was_shown_anybody_of_the_tenant_may_react_to() -> None:
    run = Run(impression(user=ANONYMOUS), feedback(1, user="ben"), feedback(2, user=ANONYMOUS, feedback_id="g"))
    assert run.meant == [[1], [2]]


def test_an_expert_labels_what_others_were_shown() -> None:
    label = feedback(2, Reaction.EXPERT_LABEL, user="expert", value=3.0)
    run = Run(impression(), label)
    assert run.meant == [[2]]
    alone, beside = closings(run.state, TERMS)
    assert (alone.judgements[1].expert, alone.reader, alone.revision) == (False, "", 0)
    assert (beside.judgements[1].expert, beside.reader, beside.revision) == (True, "expert", 1)
    assert Run(impression(), replace(label, tenant="evil")).reasons == [Reason.OTHER_TENANT]


@pytest.mark.parametrize("other", [{"user": "ben"}, {"tenant": "evil"}])
def test_an_impression_under_an_id_that_is_taken_takes_nobodys_place(other: dict[str, str]) -> None:
    taken = replace(impression(), items=(item(3),), **other)  # type: ignore[arg-type]
    assert Run(impression(), taken, feedback(2)).meant == [[2]]


def test_an_answer_made_anew_is_what_reactions_are_about() -> None:
    anew = replace(impression(), items=(item(3),), show_time=1.0)
    assert Run(impression(), anew, feedback(3)).meant == [[3]]
    assert Run(anew, impression(), feedback(3)).meant == [[3]], "the earlier one does not come back"


def named(tenant: str, user: str, time: float) -> str:
    return f"{tenant}/{user}/{time // 1000:.0f}"


def test_users_stand_under_the_pseudonym_of_the_list() -> None:
    terms = replace(TERMS, name=named)
    shown = replace(impression(user=""), pseudonym="acme/ann/0")
    run = Run(shown, feedback(1), feedback(1, user="ben"), terms=terms)
    assert [join.feedback.user for join in run.joined] == ["acme/ann/0"]
    assert run.reasons == [Reason.NOT_SHOWN_TO_USER]
    plain = Run(replace(shown, user="ann"), feedback(1), terms=terms)
    assert (plain.joined[0].impression.user, closing(plain.state, terms).impression.user) == ("", "")


def test_a_closed_list_is_amended_by_what_changes_it() -> None:
    run = Run(impression(), feedback(1))
    first = closing(run.state, TERMS)
    assert (first.revision, first.close_time, first.judgements[0].label) == (1, 30.0, 1.0)
    run.state = replace(run.state, closed=True)
    run.take(feedback(1), feedback(9, feedback_id="out"))
    assert run.amended == 0
    run.take(feedback(2, Reaction.CLICK, feedback_id="g", time=60.0))
    last = closing(run.state, TERMS)
    assert run.amended == 1
    assert (last.revision, last.close_time, last.judgements[1].label) == (2, 60.0, 0.5)


def test_a_list_that_nobody_reacted_to_was_not_looked_at() -> None:
    closed = closing(Run(impression()).state, TERMS)
    assert [(one.rank, one.label, one.examined) for one in closed.judgements] == [(n, 0.0, False) for n in (1, 2, 3)]


def test_reactions_without_a_list_are_given_up() -> None:
    refused = given_up(Run(feedback(1), feedback(2, feedback_id="g")).state)
    assert [one.reason for one in refused] == [Reason.UNKNOWN_IMPRESSION] * 2


def test_when_something_is_due() -> None:
    assert JoinState(since=7.0).due(TERMS) == 137.0
    shown = replace(impression(), show_time=5.0)
    assert JoinState(since=7.0, impression=shown).due(TERMS) == 35.0
    assert JoinState(since=7.0, impression=shown, closed=True).due(TERMS) == 137.0


REACTIONS = [
    feedback(0, feedback_id="a"),
    feedback(1, Reaction.CLICK, feedback_id="b", time=3.0),
    feedback(2, Reaction.DWELL, feedback_id="c", time=40.0, value=31.0),
    feedback(2, Reaction.DOWN, feedback_id="d", time=3.0),
    feedback(0, Reaction.REFORMULATED, feedback_id="e", time=90.0),
    feedback(3, user="ben", feedback_id="f"),
    feedback(3, time=400.0, feedback_id="late"),
]


@given(st.permutations([impression(for_answer=True), answer(2), *REACTIONS] * 2), st.integers(0, 17))
def test_the_same_events_end_in_the_same_examples(events: list[Event], close_at: int) -> None:
    def ending(order: list[Event], close_at: int) -> tuple[object, object]:
        run = Run()
        for place, event in enumerate(order):
            if place == close_at and run.state.impression:
                run.state = replace(run.state, closed=True)
            run.take(event)
        last = {join.feedback.feedback_id: join for join in run.joined}
        return closing(run.state, TERMS), last

    assert ending(events, close_at) == ending([impression(for_answer=True), answer(2), *REACTIONS], 99)


def test_a_closed_list_keeps_the_vectors_and_a_reaction_goes_without() -> None:
    shown = impression()
    with_vectors = replace(shown, items=tuple(replace(each, vector=b"12345") for each in shown.items))
    state = advance(JoinState(0.0), with_vectors, TERMS).state
    step = advance(state, feedback(2), TERMS)
    assert [(each.items, each.impression.items) for each in step.joined] == [((shown.items[1],), shown.items)]
    assert closing(step.state, TERMS).impression.items == with_vectors.items
