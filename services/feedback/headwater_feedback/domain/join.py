"""Joining feedback with the impression it is about, whatever order they come in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import FeedbackJoined, FeedbackRecorded, ImpressionItem, ImpressionRecorded

# An impression draws a handful of reactions; more of one are a fault or an attack.
MAX_PARKED = 100

Event = ImpressionRecorded | AnswerGenerated | FeedbackRecorded


@dataclass(frozen=True, slots=True)
class JoinState:
    """What is known under one impression id.

    `cited` holds the chunk ids that the answer cites, None while no answer is
    known. `parked` waits for what is missing. `since` is when the first event
    was seen, in seconds since the epoch.
    """

    since: float
    impression: ImpressionRecorded | None = None
    cited: tuple[str, ...] | None = None
    parked: tuple[FeedbackRecorded, ...] = ()


def advance(state: JoinState, event: Event) -> tuple[JoinState, list[FeedbackJoined]]:
    """Takes one event in; returns the new state and every join that it completes.

    Repeated events change nothing but may repeat a join: what is learned from
    a join is idempotent.
    """
    state = _taken_in(state, event)
    ready = [feedback for feedback in state.parked if _is_ready(state, feedback)]
    joined = [join for feedback in ready for join in _joined(state, feedback)]
    return replace(state, parked=tuple(f for f in state.parked if f not in ready)), joined


def _taken_in(state: JoinState, event: Event) -> JoinState:
    if isinstance(event, ImpressionRecorded):
        return state if _is_anothers(state.impression, event) else replace(state, impression=event)
    if isinstance(event, AnswerGenerated):
        return replace(state, cited=tuple(citation.passage.chunk.chunk_id for citation in event.citations))
    others = tuple(parked for parked in state.parked if _name_of(parked) != _name_of(event))
    return replace(state, parked=(*others, event)[-MAX_PARKED:])


def _is_ready(state: JoinState, feedback: FeedbackRecorded) -> bool:
    if state.impression is None:
        return False
    return feedback.rank > 0 or state.cited is not None or not state.impression.for_answer


def _joined(state: JoinState, feedback: FeedbackRecorded) -> list[FeedbackJoined]:
    impression = state.impression
    if impression is None or not _was_shown_to(impression, feedback):
        return []
    items = _meant(impression.items, state.cited or (), feedback.rank)
    return [FeedbackJoined(feedback, impression, items)] if items else []


def _name_of(feedback: FeedbackRecorded) -> tuple[str, str, str]:
    # Ids are the callers' own: of one of them they name a reaction, of two they may happen to be the same.
    return feedback.tenant, feedback.user, feedback.feedback_id


def _is_anothers(known: ImpressionRecorded | None, repeated: ImpressionRecorded) -> bool:
    """Whether an impression comes under an id that is taken: the first who was shown something keeps it."""
    return known is not None and (known.tenant, known.user) != (repeated.tenant, repeated.user)


def _was_shown_to(impression: ImpressionRecorded, feedback: FeedbackRecorded) -> bool:
    """Whether who reacts was shown the list: others may not read what it holds.

    What somebody anonymous was shown, anybody of the tenant may have been.
    """
    return feedback.tenant == impression.tenant and impression.user in (feedback.user, ANONYMOUS)


def _meant(items: Sequence[ImpressionItem], cited: Sequence[str], rank: int) -> tuple[ImpressionItem, ...]:
    """The items that a reaction is about: the ranked one, or those cited, or else the first."""
    if rank > 0:
        return tuple(item for item in items if item.rank == rank)
    return tuple(item for item in items if item.chunk_id in cited) or tuple(items[:1])
