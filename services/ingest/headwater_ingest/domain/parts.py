"""A version as the records that carry it along the chain."""

from collections.abc import Iterable, Iterator

from headwater_kit.core.documents import Chunk, DocumentInfo
from headwater_kit.core.events import DocumentChunked, LedgerEntry, Provenance

# A part goes through embed and index as one record and one batch.
MAX_PART_CHUNKS = 64
# What the chunks of a part may take as records of the chain, their vectors included. A record has 4 MiB
# (`bus.topics`); title, source and metadata of a document take 70 KiB at the most, headers and envelope far less.
MAX_PART_BYTES = 3 * 1024 * 1024
# A vector of 4,096 float32, the longest of any encoder in use.
VECTOR_BYTES = 16 * 1024
# Two hashes of 32 digits, five numbers, and a tag and a length for each field.
CHUNK_FIELDS_BYTES = 160


def parts_of(provenance: Provenance, info: DocumentInfo, chunks: tuple[Chunk, ...]) -> tuple[DocumentChunked, ...]:
    """A version as its parts, in order; at least one, each of a size that a record can have with its vectors."""
    groups = list(_groups(chunks)) or [()]
    return tuple(
        DocumentChunked(provenance, info, part, len(groups), len(chunks), group) for part, group in enumerate(groups)
    )


def left_over(entry: LedgerEntry) -> Iterable[int]:
    """The parts of the version before, in its lane, whose place no part of this version takes."""
    first = entry.parts.count if entry.parts.lane is entry.replaced.lane else 0
    return range(first, entry.replaced.count)


def size_bytes(chunk: Chunk) -> int:
    """An upper bound of what a chunk takes in a record, with its vector."""
    headings = sum(len(heading.encode()) + 4 for heading in chunk.heading_path)
    return len(chunk.text.encode()) + headings + CHUNK_FIELDS_BYTES + VECTOR_BYTES


def _groups(chunks: tuple[Chunk, ...]) -> Iterator[tuple[Chunk, ...]]:
    begin = taken = 0
    for place, chunk in enumerate(chunks):
        size = size_bytes(chunk)
        if place > begin and (taken + size > MAX_PART_BYTES or place - begin == MAX_PART_CHUNKS):
            yield chunks[begin:place]
            begin, taken = place, 0
        taken += size
    if chunks:
        yield chunks[begin:]
