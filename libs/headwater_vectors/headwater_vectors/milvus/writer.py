"""The write side over Milvus."""

import asyncio
from collections.abc import Sequence
from typing import Any

from headwater_kit.core.documents import DocumentKey, chunk_id, document_row_id

from headwater_vectors.filters import Expression
from headwater_vectors.group_commit import GroupCommit
from headwater_vectors.milvus import rows, schema
from headwater_vectors.milvus.tables import Tables
from headwater_vectors.ports import ChunkRow, LedgerRow, Model

# About 2 MB of rows: large enough to be efficient, small enough to answer in tens of milliseconds.
MAX_ROWS_A_WRITE = 512
# A flush makes a segment, to be merged later: so only once searching the fresh rows
# costs some 15 ms of a core, or every fifth turn.
FLUSH_ROWS = 32
FLUSH_TURNS = 5


class MilvusWriter:
    """Writes, each collection one write at a time; what comes meanwhile goes together in the next.

    Fewer, larger writes are quicker everywhere, and Milvus Lite loses rows where
    a flush meets a write (its grpc/server.py: one writer a collection).
    """

    def __init__(self, tables: Tables, model: Model, writer_id: str) -> None:
        self._tables = tables
        self._model = model
        self._writer_id = writer_id
        self._switches = 0
        # Writes since the last flush, and turns of maintenance. The first turn flushes: the process before may have
        # left fresh rows, or an odd epoch.
        self._fresh = 1
        self._waited = FLUSH_TURNS
        self._chunks_lock = asyncio.Lock()
        self._upserts = GroupCommit(self._write_chunks, self._chunks_lock, MAX_ROWS_A_WRITE)
        self._deletions = GroupCommit(self._delete_chunks, self._chunks_lock, MAX_ROWS_A_WRITE)
        self._epoch: int | None = None
        self._ledger_lock = asyncio.Lock()
        self._ledger_writes = GroupCommit(self._write_ledger, self._ledger_lock, MAX_ROWS_A_WRITE)

    async def upsert(self, chunk_rows: Sequence[ChunkRow]) -> None:
        """As `VectorWriter.upsert`."""
        await self._upserts.submit([rows.chunk_record(row, self._model.dimension) for row in chunk_rows])

    async def whole(self, row: LedgerRow) -> bool:
        """As `VectorWriter.whole`."""
        stored = await self._tables.by_id(self._tables.chunks, _chunk_ids(row), ["row_id"])
        return len(stored) == row.chunk_count

    async def switch(self, ledger_rows: Sequence[LedgerRow]) -> None:
        """As `VectorWriter.switch`."""
        await self._ledger_writes.submit(ledger_rows)

    async def sweep(self, row: LedgerRow, replaced: LedgerRow | None = None) -> None:
        """As `VectorWriter.sweep`."""
        if replaced is not None:
            await self._deletions.submit([] if replaced.deleted else _chunk_ids(replaced))
            return
        where = Expression("")
        last = row.version if row.deleted else row.version - 1
        where.text = (
            f"tenant == {where.bind(row.key.tenant)} and document_id == {where.bind(row.key.document_id)} "
            f"and version <= {where.bind(last)}"
        )
        async with self._chunks_lock:
            self._fresh += 1
            await self._tables.delete_where(self._tables.chunks, where)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """As `VectorWriter.ledger`."""
        row_ids = {key: document_row_id(key) for key in keys}
        found = await self._tables.by_id(self._tables.ledger, list(row_ids.values()), schema.STATE_FIELDS)
        return [rows.ledger_row(key, found[id_]) if (id_ := row_ids[key]) in found else None for key in keys]

    async def maintain(self) -> None:
        """As `VectorStore.maintain`."""
        if not self._tables.engine.slow_fresh_rows:
            return
        self._waited += 1
        # The ledger is read by primary key, which needs no segments.
        if self._fresh >= FLUSH_ROWS or (self._fresh and self._waited >= FLUSH_TURNS):
            async with self._chunks_lock:
                await self._flush()
        await self._tables.warm_up()

    async def _flush(self) -> None:
        """Flushes within an odd epoch; one that fails leaves it odd, and readers careful, until the next succeeds."""
        await self._beat(is_odd=True)
        await self._tables.flush(self._tables.chunks)
        await self._beat(is_odd=False)
        self._fresh = self._waited = 0

    async def _beat(self, *, is_odd: bool) -> None:
        """Moves the epoch on, to an odd or an even number."""
        async with self._ledger_lock:
            epoch = await self._current_epoch() + 1
            self._epoch = epoch if epoch % 2 == is_odd else epoch + 1
            await self._write_ledger_records([])

    async def _write_chunks(self, records: Sequence[dict[str, Any]]) -> None:
        self._fresh += len(records)
        await self._tables.upsert(self._tables.chunks, records)

    async def _delete_chunks(self, row_ids: Sequence[str]) -> None:
        self._fresh += len(row_ids)
        await self._tables.delete_ids(self._tables.chunks, row_ids)

    async def _write_ledger(self, ledger_rows: Sequence[LedgerRow]) -> None:
        newest = {row.key: row for row in sorted(ledger_rows, key=lambda row: row.version)}
        stored = await self.ledger(list(newest))
        ahead = [
            row for row, held in zip(newest.values(), stored, strict=True) if held is None or held.version < row.version
        ]
        if ahead:
            self._switches += 1
            await self._write_ledger_records(
                [rows.ledger_record(row, self._writer_id, self._switches) for row in ahead]
            )

    async def _write_ledger_records(self, records: list[dict[str, Any]]) -> None:
        """Writes ledger rows, and beside them the pulse where readers ask for it; under the ledger's lock."""
        if self._tables.engine.flush_hides_rows:
            epoch = await self._current_epoch()
            records = [*records, rows.pulse_record(epoch, self._writer_id, self._switches)]
        if records:
            await self._tables.upsert(self._tables.ledger, records)

    async def _current_epoch(self) -> int:
        if self._epoch is None:
            found = await self._tables.by_id(self._tables.ledger, [schema.PULSE_ROW], schema.STATE_FIELDS)
            self._epoch = rows.pulse(found.get(schema.PULSE_ROW)).epoch
        return self._epoch


def _chunk_ids(row: LedgerRow) -> list[str]:
    return [chunk_id(row.key, row.version, ordinal) for ordinal in range(row.chunk_count)]
