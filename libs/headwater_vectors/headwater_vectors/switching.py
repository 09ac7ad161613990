"""How a version comes to be served, over a store without transactions or compare-and-set.

The ledger has a row for each version, and the highest is served; rows are only
added, and only superseded ones deleted. A writer writes its row first and reads
its document's rows second. Of any two writers at least one therefore sees the
other's row, and deletes the lower version, its own or the other's: whatever the
order of their steps, the highest is served and nothing is left of the rest.

Chunk rows are deleted before the ledger row that tells how many there are, so
that a crash between the two leaves the means to go on.
"""

from collections.abc import Sequence
from typing import Protocol

from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import DocumentKey, chunk_id

from headwater_vectors.ports import LedgerRow


class RawWrites(Protocol):
    """A store's raw writes and the reads between them. Durable on return, and strict: no read is from before."""

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        """All ledger rows of a document."""
        ...

    async def add(self, row: LedgerRow) -> None:
        """Writes a ledger row."""
        ...

    async def delete_chunks(self, row_ids: Sequence[str]) -> None:
        """Deletes chunk rows; missing ones are no error."""
        ...

    async def delete_versions(self, rows: Sequence[LedgerRow]) -> None:
        """Deletes ledger rows; missing ones are no error."""
        ...


class Switching:
    """`switch` and `discard` of a `VectorWriter` over raw writes."""

    def __init__(self, raw: RawWrites) -> None:
        self._raw = raw

    async def switch(self, row: LedgerRow) -> LedgerRow:
        """As `VectorWriter.switch`."""
        held = await self._raw.versions(row.key)
        served = highest(held)
        if served is None or served.version < row.version:
            crash_point("vectors.switching")
            await self._raw.add(row)
            crash_point("vectors.switched")
            held = await self._raw.versions(row.key)
            served = highest(held) or row
        await self._sweep([*(each for each in held if each.version != row.version), row], served)
        return served

    async def discard(self, row: LedgerRow) -> None:
        """As `VectorWriter.discard`."""
        crash_point("vectors.discarding")
        held = await self._raw.versions(row.key)
        # A ledger row goes with all the chunks that it tells of, though who discards knows of some alone: whoever is
        # about to sweep the version will not find it any more.
        same = [each for each in held if each.version == row.version]
        await self._sweep([max([row, *same], key=lambda each: each.chunk_count)], highest(held))

    async def _sweep(self, rows: Sequence[LedgerRow], served: LedgerRow | None) -> None:
        """Deletes the chunks of these versions that are not served, then the ledger rows below the served one."""
        if chunks := [row_id for row in rows for row_id in _unserved(row, served)]:
            await self._raw.delete_chunks(chunks)
            crash_point("vectors.chunks_swept")
        if below := [row for row in rows if served is not None and row.version < served.version]:
            await self._raw.delete_versions(below)
            crash_point("vectors.ledger_swept")


def wrote_chunks() -> None:
    """To be called by `upsert` of every store when its rows are durable."""
    crash_point("vectors.chunks_written")


def highest(rows: Sequence[LedgerRow]) -> LedgerRow | None:
    """The row that is served; None of none."""
    return max(rows, key=lambda row: row.version, default=None)


def chunk_ids(row: LedgerRow, first: int = 0) -> list[str]:
    """The row ids of a version's chunks, from ordinal `first` on."""
    return [chunk_id(row.key, row.version, ordinal) for ordinal in range(first, row.chunk_count)]


def _unserved(row: LedgerRow, served: LedgerRow | None) -> list[str]:
    is_served = served is not None and served.version == row.version
    return chunk_ids(row, served.chunk_count if served is not None and is_served else 0)
