"""What a document event means for the store; no input, no output."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentChunked, DocumentEmbedded
from headwater_vectors.ports import ChunkRow, LedgerRow, Model

# Text to the terms of the lexical leg.
Analyser = Callable[[str], str]
FLOAT_BYTES = 4
INVALID_VECTORS = "INVALID_VECTORS"


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


def fence(stored: LedgerRow | None, version: int, *, deleted: bool) -> Fence:
    """Compares an event's version with the ledger row."""
    if stored is None or stored.version < version:
        return Fence.NEW
    is_same = stored.version == version and stored.deleted == deleted
    return Fence.SERVED if is_same else Fence.STALE


def model_of(part: DocumentEmbedded) -> Model:
    """The model of a part's vectors. Raises InvalidInput where they do not fit the chunks or each other."""
    sizes = {len(vector) for vector in part.vectors}
    if len(part.vectors) != len(part.chunked.chunks) or len(sizes) != 1 or sizes & {0} or sizes.pop() % FLOAT_BYTES:
        raise InvalidInput(
            "a part needs one vector a chunk, all of one length", reason=INVALID_VECTORS, field="vectors"
        )
    if not part.model_id:
        raise InvalidInput("a part with vectors names their model", reason=INVALID_VECTORS, field="model_id")
    return Model(part.model_id, len(part.vectors[0]) // FLOAT_BYTES)


def rows_of(key: DocumentKey, part: DocumentEmbedded, analyse: Analyser) -> list[ChunkRow]:
    """A part as rows of the store."""
    chunked = part.chunked
    return [
        ChunkRow(key, chunked.provenance.version, chunk, chunked.info, vector, lexical(chunked.info, chunk, analyse))
        for chunk, vector in zip(chunked.chunks, part.vectors, strict=True)
    ]


def lexical(info: DocumentInfo, chunk: Chunk, analyse: Analyser) -> str:
    """The terms a chunk is found by: of its title, its headings and its body."""
    return analyse("\n".join((info.title, *chunk.heading_path, chunk.text)))


def served_by(key: DocumentKey, chunked: DocumentChunked, *, deleted: bool) -> LedgerRow:
    """The ledger row that an event asks for."""
    return LedgerRow(key, chunked.provenance.version, deleted, 0 if deleted else chunked.chunk_count)


class Applied:
    """The highest applied position of each partition of `documents.v1`, since this process started."""

    def __init__(self) -> None:
        self._offsets: dict[int, int] = {}

    def add(self, position: Position) -> None:
        """Notes an applied event."""
        self._offsets[position.partition] = max(position.offset, self._offsets.get(position.partition, -1))

    def positions(self) -> tuple[Position, ...]:
        """One a partition that has had an event."""
        return tuple(Position(partition, offset) for partition, offset in sorted(self._offsets.items()))
