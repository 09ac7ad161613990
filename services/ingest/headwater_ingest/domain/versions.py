"""The version fence: what an event does to a document, decided from the ledger alone."""

from dataclasses import dataclass

from headwater_kit.core.documents import DocumentKey, Lane, Origin, Position
from headwater_kit.core.events import DocumentUpserted, LedgerEntry, Outcome

MILLISECONDS = 1000
# The topic of an event's position, and so of the origin of one that came straight in.
LOG = "documents.v1"


@dataclass(frozen=True, slots=True)
class DocumentEvent:
    """A record of `documents.v1`, understood. `write` None means deletion.

    `origin` None means that it came straight in. `produce_time` is the origin's,
    in seconds since the epoch.
    """

    key: DocumentKey
    position: Position
    produce_time: float
    write: DocumentUpserted | None
    version: int | None = None
    origin: Origin | None = None
    lane: Lane = Lane.LIVE


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an event; `version` is 0 for a stale one that named none."""

    outcome: Outcome
    version: int


def decide(entry: LedgerEntry | None, event: DocumentEvent) -> Decision:
    """UPSERTED or DELETED with the event's version, or STALE; asked again, it decides the same.

    1. The event that made the entry gets the entry's version again.
    2. A producer's version is all that counts where it is given.
    3. Otherwise the later event wins, by where and when it first stood: one that
       was sent on, let in from a lane or redriven is as old as it ever was, and
       a second copy of it is stale.
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
    return not is_later(origin_of(event), origin_of(entry))


def origin_of(of: DocumentEvent | LedgerEntry) -> Origin:
    """Where and when an event, or the one behind an entry, first stood."""
    return of.origin or Origin(LOG, of.position, of.produce_time)


def is_same(one: Origin, other: Origin) -> bool:
    """Whether two origins are one place; its time may have been rounded on the way."""
    return (one.topic, one.position) == (other.topic, other.position)


def is_later(one: Origin, other: Origin) -> bool:
    """Whether an event came after another: by offset within a partition, else by the time of the produce.

    Kafka keeps milliseconds. Within one, the names of the places decide, so that
    it does not matter which of two comes first.
    """
    if (one.topic, one.position.partition) == (other.topic, other.position.partition):
        return one.position.offset > other.position.offset
    return _rank(one) > _rank(other)


def _rank(origin: Origin) -> tuple[int, str, Position]:
    return round(origin.produce_time * MILLISECONDS), origin.topic, origin.position
