"""What a document event means for what the store serves."""

from dataclasses import dataclass
from enum import Enum

from headwater_kit.core.documents import DocumentKey, Lane, Position
from headwater_kit.core.events import DocumentChunked, Provenance
from headwater_vectors.ports import LedgerRow


class Fence(Enum):
    """How an event stands to what the store serves."""

    NEW = "new"
    """Above the served version: apply it."""
    SERVED = "served"
    """The served version, delivered again: see that it is finished."""
    STALE = "stale"
    """Below the served version, or beside it: change nothing (I2)."""


@dataclass(frozen=True, slots=True)
class Stats:
    """The state of the index, over one tenant; `collection` and `model_id` are empty while there is none."""

    collection: str
    model_id: str
    chunk_count: int
    document_count: int
    watermark: tuple[Position, ...]


def fence(stored: LedgerRow | None, wanted: LedgerRow) -> Fence:
    """Compares what an event asks for with what is served."""
    if stored is None or stored.version < wanted.version:
        return Fence.NEW
    return Fence.SERVED if is_same(stored, wanted) else Fence.STALE


def is_same(stored: LedgerRow, wanted: LedgerRow) -> bool:
    """True if both name one version: a deletion beside an upsert of its number is another."""
    return (stored.version, stored.deleted) == (wanted.version, wanted.deleted)


def served_by(key: DocumentKey, chunked: DocumentChunked, *, deleted: bool) -> LedgerRow:
    """The ledger row that an event asks for."""
    return LedgerRow(key, chunked.provenance.version, deleted, 0 if deleted else chunked.chunk_count)


class Applied:
    """The highest applied position of each partition of `documents.v1`, since this process started."""

    def __init__(self) -> None:
        self._offsets: dict[int, int] = {}

    def add(self, provenance: Provenance) -> None:
        """Notes an applied event. In the backfill lane another record of it has moved the watermark already."""
        position = provenance.position
        if provenance.lane is Lane.LIVE:
            self._offsets[position.partition] = max(position.offset, self._offsets.get(position.partition, -1))

    def positions(self) -> tuple[Position, ...]:
        """One a partition that has had an event."""
        return tuple(Position(partition, offset) for partition, offset in sorted(self._offsets.items()))
