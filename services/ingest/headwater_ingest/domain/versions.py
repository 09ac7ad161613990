"""The version fence: what an event does to a document, decided from the ledger alone."""

from dataclasses import dataclass

from headwater_kit.core.documents import DocumentKey, Position
from headwater_kit.core.events import DocumentUpserted, LedgerEntry, Outcome

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class DocumentEvent:
    """A record of `documents.v1`, understood. `write` None means deletion.

    `produce_time` is in seconds since the epoch: of the record, or, where
    `is_rerouted`, of the first one, from another partition.
    """

    key: DocumentKey
    position: Position
    produce_time: float
    write: DocumentUpserted | None
    version: int | None = None
    is_rerouted: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an event; `version` is 0 for a stale one that named none."""

    outcome: Outcome
    version: int


def decide(entry: LedgerEntry | None, event: DocumentEvent) -> Decision:
    """UPSERTED or DELETED with the event's version, or STALE; asked again, it decides the same.

    1. The event that made the entry gets the entry's version again.
    2. A producer's version is all that counts where it is given.
    3. Otherwise the later event wins: by offset within a partition, by produce
       time for an event that came from another one.
    """
    outcome = Outcome.DELETED if event.write is None else Outcome.UPSERTED
    if entry is None:
        return Decision(outcome, 1 if event.version is None else event.version)
    if entry.position == event.position:
        return Decision(outcome, entry.version)
    if is_stale(entry, event):
        return Decision(Outcome.STALE, event.version or 0)
    return Decision(outcome, entry.version + 1 if event.version is None else event.version)


def is_stale(entry: LedgerEntry, event: DocumentEvent) -> bool:
    """Whether the ledger already knows better than this event."""
    if event.version is not None:
        return event.version <= entry.version
    if not event.is_rerouted and event.position.partition == entry.position.partition:
        return event.position.offset < entry.position.offset
    # Kafka keeps milliseconds; what was produced within the same one is taken in the order of arrival.
    return round(event.produce_time * MILLISECONDS) < round(entry.produce_time * MILLISECONDS)
