"""Joining reactions with what they are about, in whatever order they come, and closing lists that were shown.

All that comes out follows from the events alone: the same ones, in any order
and however often, end in the same examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionItem,
    ImpressionRecorded,
    Reaction,
)

from headwater_feedback.domain.judging import Meant, judge, left
from headwater_feedback.domain.naming import Namer, no_name, renamed, was_shown_to, without_user, without_vectors
from headwater_feedback.domain.refusing import Reason, Refused

# A list draws a handful of reactions; more of one list, or of one user to it, are a fault or an attack.
MAX_REACTIONS = 100
MAX_USER_REACTIONS = 30

Event = ImpressionRecorded | AnswerGenerated | FeedbackRecorded


@dataclass(frozen=True, slots=True)
class Terms:
    """When a list is closed and until when reactions to it count, in seconds after it was shown; who is called what."""

    close_seconds: float = 30 * 60.0
    amend_seconds: float = 24 * 60 * 60.0
    name: Namer = no_name


@dataclass(frozen=True, slots=True)
class JoinState:
    """What is known under one impression id.

    `cited` holds the chunk ids that the answer of `answer_time` cites, None
    while no answer is known. `reactions` are those not refused, as they came,
    some of them still without what they are about. `since` is when the first
    event was recorded. Times in seconds since the epoch.
    """

    since: float
    impression: ImpressionRecorded | None = None
    cited: tuple[str, ...] | None = None
    answer_time: float = 0.0
    reactions: tuple[FeedbackRecorded, ...] = ()
    closed: bool = False

    @property
    def tenant(self) -> str:
        """Whose it is: of whom the list was shown to, or else of who reacted first; empty for an answer alone."""
        known = (self.impression,) if self.impression else self.reactions
        return known[0].tenant if known else ""

    def due(self, terms: Terms) -> float:
        """When something is to be done without any event: to close it, to let it go, or to give its reactions up."""
        if self.impression is None or self.closed:
            shown = self.impression.show_time if self.impression else 0.0
            # A reaction of the last moment is yet to be read.
            return max(self.since, shown) + terms.amend_seconds + terms.close_seconds
        return self.impression.show_time + terms.close_seconds


@dataclass(frozen=True, slots=True)
class Step:
    """What one event led to: joins that are new, or differ now; a list closed before, amended; what was refused."""

    state: JoinState
    joined: tuple[FeedbackJoined, ...] = ()
    amended: tuple[ImpressionClosed, ...] = ()
    refused: tuple[Refused, ...] = ()


def advance(state: JoinState, event: Event, terms: Terms) -> Step:
    """Takes one event in. One that was taken in before leads to nothing, but for a refusal, which may be repeated."""
    if isinstance(event, FeedbackRecorded) and (refused := _refused_at_once(state, event)):
        return Step(state, refused=(refused,))
    taken = _taken_in(state, event)
    refused_now = tuple(one for one in (_refused(taken, reaction, terms) for reaction in taken.reactions) if one)
    gone = [one.feedback for one in refused_now]
    after = replace(taken, reactions=tuple(one for one in taken.reactions if one not in gone))
    former = () if state.impression is not after.impression else _joined(state, terms)
    joined = tuple(one for one in _joined(after, terms) if one not in former)
    known = closings(state, terms) if state.closed else ()
    amended = tuple(one for one in closings(after, terms) if one not in known) if after.closed else ()
    return Step(after, joined, amended, refused_now)


def closings(state: JoinState, terms: Terms) -> tuple[ImpressionClosed, ...]:
    """The list with what those made of it who were shown it, and once more for everybody else who reacted.

    So each example is the doing of one reader beside the list's own, and goes
    with either when they are forgotten, and nothing of anybody else's.
    """
    others = dict.fromkeys(one.feedback.user for one in _meant(state, terms) if not _is_own(one, state.impression))
    return tuple(closing(state, terms, reader) for reader in ("", *others))


def closing(state: JoinState, terms: Terms, reader: str = "") -> ImpressionClosed:
    """The list with what its own reader, and with `reader` that one, made of it so far; it must have been shown.

    The revision counts the events that it rests on: one more for each, so that
    equal ones say the same.
    """
    impression = state.impression
    if impression is None:
        raise ValueError("nothing was shown")
    meant = [one for one in _meant(state, terms) if _is_own(one, impression) or one.feedback.user == reader]
    end = impression.show_time + terms.close_seconds
    return ImpressionClosed(
        without_user(impression),
        judge(impression.items, state.cited or (), meant),
        revision=len(meant) + (state.cited is not None),
        close_time=max([end, *(one.feedback.time for one in meant)]),
        abandoned=left(meant),
        reader=reader,
    )


def given_up(state: JoinState) -> tuple[Refused, ...]:
    """The reactions that nothing to be about has come for."""
    detail = "no answer and no search of this id became known in time"
    return tuple(Refused(one, Reason.UNKNOWN_IMPRESSION, detail) for one in state.reactions)


def _taken_in(state: JoinState, event: Event) -> JoinState:
    if isinstance(event, ImpressionRecorded):
        return replace(state, impression=event) if _replaces(state.impression, event) else state
    if isinstance(event, AnswerGenerated):
        if state.cited is not None and event.answer_time < state.answer_time:
            return state
        cited = tuple(citation.passage.chunk.chunk_id for citation in event.citations)
        return replace(state, cited=cited, answer_time=event.answer_time)
    if _same_name(state, event) is not None:
        return state
    return replace(state, reactions=(*state.reactions, event))


def _replaces(known: ImpressionRecorded | None, event: ImpressionRecorded) -> bool:
    """Whether it is the first of its id, or the same user was shown something later under it: an answer made anew."""
    if known is None:
        return True
    is_owner = (known.tenant, known.user, known.pseudonym) == (event.tenant, event.user, event.pseudonym)
    return is_owner and event != known and event.show_time >= known.show_time


def _refused_at_once(state: JoinState, event: FeedbackRecorded) -> Refused | None:
    known = _same_name(state, event)
    if known is not None:
        if replace(event, time=known.time) == known:
            return None
        return Refused(event, Reason.DUPLICATE_ID_OTHER_CONTENT, "another reaction has this id: give each its own")
    mine = sum((one.tenant, one.user) == (event.tenant, event.user) for one in state.reactions)
    if len(state.reactions) >= MAX_REACTIONS or (mine >= MAX_USER_REACTIONS and event.user != ANONYMOUS):
        return Refused(event, Reason.FLOOD, f"there are {len(state.reactions)} reactions to this list, {mine} of them")
    return None


def _refused(state: JoinState, feedback: FeedbackRecorded, terms: Terms) -> Refused | None:
    impression = state.impression
    if impression is None:
        return None
    if feedback.tenant != impression.tenant:
        return Refused(feedback, Reason.OTHER_TENANT, "the list was shown in another tenant")
    if feedback.reaction is not Reaction.EXPERT_LABEL and not was_shown_to(impression, feedback, terms.name):
        return Refused(feedback, Reason.NOT_SHOWN_TO_USER, "the list was shown to somebody else")
    if feedback.time > impression.show_time + terms.amend_seconds:
        return Refused(feedback, Reason.TOO_LATE, f"reactions count for {terms.amend_seconds:g} s after the list")
    if not impression.items or (feedback.rank and not _ranked(impression.items, feedback.rank)):
        return Refused(feedback, Reason.NOT_SHOWN, f"{len(impression.items)} passages were shown, none at this rank")
    return None


def _joined(state: JoinState, terms: Terms) -> tuple[FeedbackJoined, ...]:
    if state.impression is None:
        return ()
    impression = without_user(replace(state.impression, items=without_vectors(state.impression.items)))
    return tuple(FeedbackJoined(one.feedback, impression, without_vectors(one.items)) for one in _meant(state, terms))


def _meant(state: JoinState, terms: Terms) -> tuple[Meant, ...]:
    """The reactions that are known to be about something, and what; one to an answer waits for what that cites."""
    impression = state.impression
    if impression is None:
        return ()
    is_known = state.cited is not None or not impression.for_answer
    return tuple(
        Meant(renamed(one, impression, terms.name), _about(impression.items, state.cited or (), one.rank))
        for one in state.reactions
        # A crash may have kept the list beside reactions that it refuses.
        if (one.rank > 0 or is_known) and _refused(state, one, terms) is None
    )


def _is_own(meant: Meant, impression: ImpressionRecorded | None) -> bool:
    """Whether it is of who was shown the list, or of nobody in particular."""
    return impression is not None and meant.feedback.user in (impression.pseudonym or impression.user, ANONYMOUS)


def _about(items: Sequence[ImpressionItem], cited: Sequence[str], rank: int) -> tuple[ImpressionItem, ...]:
    """The items that a reaction is about: the ranked one, or those cited, or else the first."""
    if rank > 0:
        return _ranked(items, rank)
    return tuple(item for item in items if item.chunk_id in cited) or tuple(items[:1])


def _ranked(items: Sequence[ImpressionItem], rank: int) -> tuple[ImpressionItem, ...]:
    return tuple(item for item in items if item.rank == rank)


def _same_name(state: JoinState, event: FeedbackRecorded) -> FeedbackRecorded | None:
    # Ids are the callers' own: of one of them they name a reaction, of two they may happen to be the same.
    name = (event.tenant, event.user, event.feedback_id)
    return next((one for one in state.reactions if (one.tenant, one.user, one.feedback_id) == name), None)
