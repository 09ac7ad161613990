"""How far a document event has come, as told to those who watch it."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import StrEnum

from headwater_kit.core.documents import Position
from headwater_kit.core.events import DocumentIndexed, LedgerEntry, Outcome


class State(StrEnum):
    """What was reached."""

    ACCEPTED = "accepted"
    CHUNKED = "chunked"
    EMBEDDED = "embedded"
    SEARCHABLE = "searchable"
    DELETED = "deleted"
    STALE = "stale"
    REJECTED = "rejected"


_FINAL = {
    Outcome.UPSERTED: State.SEARCHABLE,
    Outcome.DELETED: State.DELETED,
    Outcome.STALE: State.STALE,
    Outcome.REJECTED: State.REJECTED,
}
# How far each state is; on the way to one, an event of that outcome passes those before it.
_RANK = {
    State.ACCEPTED: 0,
    State.CHUNKED: 1,
    State.EMBEDDED: 2,
    State.SEARCHABLE: 3,
    State.DELETED: 3,
    State.STALE: 3,
    State.REJECTED: 3,
}
_WAY = {
    Outcome.UPSERTED: (State.ACCEPTED, State.CHUNKED, State.EMBEDDED),
    Outcome.DELETED: (State.ACCEPTED,),
}
# Events of one document whose progress is kept apart.
MAX_EVENTS = 16


@dataclass(frozen=True, slots=True)
class StateReached:
    """A state, the event that reached it, and what became of that event; `reason` is set for REJECTED."""

    state: State
    position: Position
    version: int
    outcome: Outcome
    reason: str = ""

    @property
    def is_final(self) -> bool:
        """Nothing more comes of the event."""
        return self.state in _FINAL.values()

    def answers(self, until: Position) -> bool:
        """Whether one who waits for `until` has seen enough: it, or a later event of its partition, is final."""
        is_same_partition = self.position.partition == until.partition
        return self.is_final and is_same_partition and self.position.offset >= until.offset


def accepted(entry: LedgerEntry) -> StateReached:
    """The state that a ledger entry tells."""
    outcome = Outcome.DELETED if entry.deleted else Outcome.UPSERTED
    return StateReached(State.ACCEPTED, entry.position, entry.version, outcome)


def applied(event: DocumentIndexed) -> StateReached | None:
    """The state that the index tells; None for an event that was sent on, or that goes on in the backfill lane."""
    state = _FINAL.get(event.provenance.outcome)
    if state is None:
        return None
    provenance = event.provenance
    return StateReached(state, provenance.position, provenance.version, provenance.outcome, provenance.reason)


class Progress:
    """The states of a document's events in their order, though they are learned from topics of no common order.

    What is learned late is left out, what was passed unseen is told with what
    follows it.
    """

    def __init__(self) -> None:
        self._ranks: OrderedDict[Position, int] = OrderedDict()

    def begin(self, state: StateReached) -> None:
        """The state that an event was in when the watch began."""
        self._note(state)

    def news(self, state: StateReached) -> tuple[StateReached, ...]:
        """What is to be told, now that this state is known to be reached."""
        before, rank = self._ranks.get(state.position, -1), _RANK[state.state]
        if rank <= before:
            return ()
        passed = [on_the_way for on_the_way in _WAY.get(state.outcome, ()) if before < _RANK[on_the_way] < rank]
        self._note(state)
        return (*(replace(state, state=each) for each in passed), state)

    def _note(self, state: StateReached) -> None:
        self._ranks[state.position] = _RANK[state.state]
        if len(self._ranks) > MAX_EVENTS:
            self._ranks.popitem(last=False)
