"""How far a document event has come, as told to those who watch it."""

from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.documents import Position
from headwater_kit.core.events import DocumentIndexed, LedgerEntry, Outcome


class State(StrEnum):
    """What was reached."""

    ACCEPTED = "accepted"
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
        return self.state is not State.ACCEPTED

    def answers(self, until: Position) -> bool:
        """Whether one who waits for `until` has seen enough: it, or a later event of its partition, is final."""
        is_same_partition = self.position.partition == until.partition
        return self.is_final and is_same_partition and self.position.offset >= until.offset


def accepted(entry: LedgerEntry) -> StateReached:
    """The state that a ledger entry tells."""
    outcome = Outcome.DELETED if entry.deleted else Outcome.UPSERTED
    return StateReached(State.ACCEPTED, entry.position, entry.version, outcome)


def applied(event: DocumentIndexed) -> StateReached | None:
    """The state that the index tells; None for an event that went on to its right partition."""
    state = _FINAL.get(event.provenance.outcome)
    if state is None:
        return None
    provenance = event.provenance
    return StateReached(state, provenance.position, provenance.version, provenance.outcome, provenance.reason)
