"""Raw writes of both collections, grouped: what comes while one is under way goes together in the next."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from headwater_kit.core.documents import DocumentKey, document_row_id

from headwater_vectors.group_commit import GroupCommit
from headwater_vectors.milvus import rows
from headwater_vectors.milvus.tables import Entity, Tables
from headwater_vectors.ports import LedgerRow

# About 2 MB of rows: large enough to be efficient, small enough to answer in tens of milliseconds.
MAX_ROWS_A_WRITE = 512

_ByDocument = Mapping[str, Sequence[Entity]]


class RawWrites:
    """`switching.RawWrites`, and the writing of chunks; one write at a time a collection.

    Fewer, larger writes are quicker everywhere. A switch number is given under
    the ledger's lock, so numbers grow in the order of the writes (`visibility`).
    """

    def __init__(self, tables: Tables, writer_id: str) -> None:
        self._tables = tables
        self._writer_id = writer_id
        self._switches = 0
        self.fresh = 0
        """Chunk rows written or deleted, ever."""
        chunks, ledger, reads = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._upserts = GroupCommit("upsert chunks", self._write_chunks, chunks, MAX_ROWS_A_WRITE)
        self._deletions = GroupCommit("delete chunks", self._delete_chunks, chunks, MAX_ROWS_A_WRITE)
        self._additions = GroupCommit("upsert ledger", self._write_ledger, ledger, MAX_ROWS_A_WRITE)
        self._removals = GroupCommit("delete ledger", self._delete_ledger, ledger, MAX_ROWS_A_WRITE)
        self._reads = GroupCommit("read ledger", self._read_ledger, reads, MAX_ROWS_A_WRITE)

    async def add_chunks(self, records: Sequence[dict[str, Any]]) -> None:
        """Writes records of the chunks collection."""
        await self._upserts.submit(records)

    async def delete_chunks(self, row_ids: Sequence[str]) -> None:
        """As `switching.RawWrites.delete_chunks`."""
        await self._deletions.submit(row_ids)

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        """As `switching.RawWrites.versions`."""
        document = document_row_id(key)
        found = await self._reads.submit([document]) or {}
        return [rows.ledger_row(key, entity) for entity in found.get(document, ())]

    async def add(self, row: LedgerRow) -> None:
        """As `switching.RawWrites.add`."""
        await self._additions.submit([row])

    async def delete_versions(self, ledger_rows: Sequence[LedgerRow]) -> None:
        """As `switching.RawWrites.delete_versions`."""
        await self._removals.submit([rows.ledger_row_id(row) for row in ledger_rows])

    async def _write_chunks(self, records: Sequence[dict[str, Any]]) -> None:
        self.fresh += len(records)
        await self._tables.upsert(self._tables.chunks, records)

    async def _delete_chunks(self, row_ids: Sequence[str]) -> None:
        self.fresh += len(row_ids)
        await self._tables.delete_ids(self._tables.chunks, row_ids)

    async def _write_ledger(self, ledger_rows: Sequence[LedgerRow]) -> None:
        self._switches += 1
        records = [rows.ledger_record(row, self._writer_id, self._switches) for row in ledger_rows]
        await self._tables.upsert(self._tables.ledger, records)

    async def _delete_ledger(self, row_ids: Sequence[str]) -> None:
        await self._tables.delete_ids(self._tables.ledger, row_ids)

    async def _read_ledger(self, documents: Sequence[str]) -> _ByDocument:
        found: dict[str, list[Entity]] = defaultdict(list)
        for entity in await self._tables.ledger_of(sorted(set(documents))):
            found[entity["document_row"]].append(entity)
        return found
