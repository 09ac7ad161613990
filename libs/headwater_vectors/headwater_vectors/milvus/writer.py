"""The write side over Milvus."""

import asyncio
from collections.abc import Sequence

from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import DocumentKey

from headwater_vectors.milvus import rows
from headwater_vectors.milvus.raw_writes import RawWrites
from headwater_vectors.milvus.schema import Layout, NoReaders
from headwater_vectors.milvus.tables import Tables
from headwater_vectors.ports import ChunkRow, LedgerRow, ModelChanged
from headwater_vectors.switching import Switching, chunk_ids, highest, wrote_chunks

# A flush makes a segment, to be merged later: so only once searching the fresh rows
# costs some 15 ms of a core, or every fifth turn.
FLUSH_ROWS = 32
FLUSH_TURNS = 5
# A flush takes about 0.4 ms a row, for which searches wait; so bulk flushes before the next turn of maintenance.
MAX_FRESH_ROWS = 512


class MilvusWriter:
    """Writes, grouped; flushes where searches need it."""

    def __init__(self, tables: Tables, layout: Layout, writer_id: str) -> None:
        self._tables = tables
        self._layout = layout
        self._raw = RawWrites(tables, writer_id)
        self._switching = Switching(self._raw)
        # Fresh rows at the last flush, and turns of maintenance since. The first turn flushes: the process before may
        # have left fresh rows.
        self._flushed = -1
        self._waited = FLUSH_TURNS

    async def upsert(self, chunk_rows: Sequence[ChunkRow]) -> None:
        """As `VectorWriter.upsert`."""
        model = self._layout.model
        if foreign := {row.model_id for row in chunk_rows} - {"", model.model_id}:
            raise ModelChanged(f"the collection holds vectors of {model.model_id}, not of {foreign.pop()}")
        if not self._layout.has_readers and any(row.info.readers for row in chunk_rows):
            raise NoReaders(
                f"the collection {self._tables.chunks} was made before documents had readers, "
                "and cannot keep one from anybody: run `headwater rebuild`"
            )
        await self._raw.add_chunks([rows.chunk_record(row, model.dimension) for row in chunk_rows])
        wrote_chunks()
        if self._tables.engine.slow_fresh_rows and self._raw.fresh - self._flushed >= MAX_FRESH_ROWS:
            await self._flush()

    async def whole(self, row: LedgerRow) -> bool:
        """As `VectorWriter.whole`."""
        return len(await self.present(chunk_ids(row))) == row.chunk_count

    async def switch(self, row: LedgerRow) -> LedgerRow:
        """As `VectorWriter.switch`."""
        return await self._switching.switch(row)

    async def discard(self, row: LedgerRow) -> None:
        """As `VectorWriter.discard`."""
        await self._switching.discard(row)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """As `VectorWriter.ledger`."""
        return [highest(held) for held in await asyncio.gather(*map(self._raw.versions, keys))]

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        """As `StoreScan.versions`."""
        return await self._raw.versions(key)

    async def present(self, row_ids: Sequence[str]) -> frozenset[str]:
        """As `StoreScan.present`."""
        return frozenset(await self._tables.by_id(self._tables.chunks, row_ids, ["row_id"]))

    async def erase(self, row_ids: Sequence[str], versions: Sequence[LedgerRow]) -> None:
        """As `StoreScan.erase`."""
        await self._raw.delete_chunks(row_ids)
        await self._raw.delete_versions(versions)

    async def maintain(self) -> None:
        """As `VectorStore.maintain`."""
        if not self._tables.engine.slow_fresh_rows:
            return
        self._waited += 1
        fresh = self._raw.fresh
        # The ledger is read by primary key, which needs no segments.
        if fresh - self._flushed >= FLUSH_ROWS or (fresh > self._flushed and self._waited >= FLUSH_TURNS):
            await self._flush()
        await self._tables.warm_up()

    async def _flush(self) -> None:
        # Counted before it is done, so that writes meanwhile do not ask for it again.
        before, self._flushed = self._flushed, self._raw.fresh
        crash_point("vectors.flushing")
        try:
            await self._tables.flush(self._tables.chunks)
        except BaseException:
            self._flushed = before
            raise
        crash_point("vectors.flushed")
        self._waited = 0
