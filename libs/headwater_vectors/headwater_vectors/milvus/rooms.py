"""Reading, writing and scanning where each tenant's rows lie apart: each call goes to the tenant's room."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from headwater_kit.core.documents import DocumentKey, Passage
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.filters import check

from headwater_vectors.milvus.capabilities import Capabilities
from headwater_vectors.milvus.connection import CollectionGone
from headwater_vectors.milvus.places import Place, Places, digest_of
from headwater_vectors.milvus.reader import MilvusReader, check_model
from headwater_vectors.milvus.scan import MilvusScan
from headwater_vectors.milvus.schema import Layout
from headwater_vectors.milvus.tables import Tables
from headwater_vectors.milvus.writer import MilvusWriter
from headwater_vectors.ports import ChunkRow, Counts, LedgerRow, Legs, Query, StoredRow

# Two processes may write a tenant's first documents at once, and a store refuses one of them each collection.
MAKING_TRIES = 4
MAKING_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Room:
    """What is done with rows that lie together: those of all tenants, or of one."""

    reader: MilvusReader
    writer: MilvusWriter
    scan: MilvusScan

    @classmethod
    def over(cls, tables: Tables, layout: Layout) -> Self:
        """A room over collections that are loaded."""
        # A name of its own, also where the collection was served before, as by a rollback: its switches are counted
        # from the beginning, and those of one name must never be (`visibility`).
        writer = MilvusWriter(tables, layout, writer_id=uuid4().hex)
        return cls(MilvusReader(tables, layout), writer, MilvusScan(tables))


class Rooms:
    """`MilvusReader`, `MilvusWriter` and `MilvusScan` in one, over the rooms of one served collection.

    A room is made by the first write for its tenant. A tenant without one has nothing.
    """

    def __init__(self, name: str, layout: Layout, engine: Capabilities, places: Places) -> None:
        self._name = name
        self._layout = layout
        self._engine = engine
        self._places = places
        self._opened: dict[str, Room] = {}
        self._making = asyncio.Lock()

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        # Also where the tenant has nothing yet: a wrong request is not right because of that.
        check_model(query, self._layout.model.model_id)
        if query.filter is not None:
            check(query.filter)
        room = await self._found(digest_of(query.tenant))
        return await room.reader.search(query) if room else Legs()

    async def passages(self, tenant: str, row_ids: Sequence[str]) -> Sequence[Passage]:
        """As `VectorReader.passages`."""
        room = await self._found(digest_of(tenant))
        return await room.reader.passages(tenant, row_ids) if room else ()

    async def vectors(self, tenant: str, row_ids: Sequence[str], model_id: str) -> Mapping[str, bytes]:
        """As `VectorReader.vectors`."""
        room = await self._found(digest_of(tenant))
        return await room.reader.vectors(tenant, row_ids, model_id) if room else {}

    async def counts(self, tenant: str) -> Counts:
        """As `VectorReader.counts`."""
        room = await self._found(digest_of(tenant))
        return await room.reader.counts(tenant) if room else Counts(0, 0)

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        """As `VectorWriter.upsert`."""
        by_tenant: defaultdict[str, list[ChunkRow]] = defaultdict(list)
        for row in rows:
            by_tenant[row.key.tenant].append(row)
        for tenant, own in by_tenant.items():
            await (await self._made(tenant)).writer.upsert(own)

    async def whole(self, row: LedgerRow) -> bool:
        """As `VectorWriter.whole`."""
        room = await self._found(digest_of(row.key.tenant))
        return await room.writer.whole(row) if room else row.chunk_count == 0

    async def switch(self, row: LedgerRow) -> LedgerRow:
        """As `VectorWriter.switch`."""
        return await (await self._made(row.key.tenant)).writer.switch(row)

    async def discard(self, row: LedgerRow) -> None:
        """As `VectorWriter.discard`."""
        if room := await self._found(digest_of(row.key.tenant)):
            await room.writer.discard(row)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """As `VectorWriter.ledger`; a room is asked once for all of its keys."""
        by_tenant: defaultdict[str, list[DocumentKey]] = defaultdict(list)
        for key in dict.fromkeys(keys):
            by_tenant[key.tenant].append(key)
        found = await asyncio.gather(*(self._served(tenant, own) for tenant, own in by_tenant.items()))
        served = {row.key: row for rows in found for row in rows if row is not None}
        return [served.get(key) for key in keys]

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        """As `StoreScan.versions`."""
        room = await self._found(digest_of(key.tenant))
        return await room.writer.versions(key) if room else ()

    async def present(self, row_ids: Sequence[str]) -> frozenset[str]:
        """As `StoreScan.present`; row ids name no tenant, so every room is asked."""
        found = [await room.writer.present(row_ids) async for room in self._all()]
        return frozenset().union(*found)

    async def erase(self, row_ids: Sequence[str], versions: Sequence[LedgerRow]) -> None:
        """As `StoreScan.erase`; as `present`, and by primary key: what is not in a room is not missed there."""
        async for room in self._all():
            await room.writer.erase(row_ids, versions)

    async def rows(self, tenant: str | None) -> AsyncIterator[Sequence[StoredRow]]:
        """As `StoreScan.rows`."""
        async for room in self._all(tenant):
            async for page in room.scan.rows(tenant):
                yield page

    async def ledger_rows(self, tenant: str | None) -> AsyncIterator[Sequence[LedgerRow]]:
        """As `StoreScan.ledger_rows`."""
        async for room in self._all(tenant):
            async for page in room.scan.ledger_rows(tenant):
                yield page

    async def maintain(self) -> None:
        """As `VectorStore.maintain`, of the rooms that this process came into."""
        for room in list(self._opened.values()):
            await room.writer.maintain()

    async def _served(self, tenant: str, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        room = await self._found(digest_of(tenant))
        return await room.writer.ledger(keys) if room else ()

    async def _all(self, tenant: str | None = None) -> AsyncIterator[Room]:
        tenants = await self._places.tenants(self._name) if tenant is None else [digest_of(tenant)]
        for each in tenants:
            if room := await self._found(each):
                yield room

    async def _found(self, tenant: str) -> Room | None:
        if tenant in self._opened:
            return self._opened[tenant]
        place = await self._places.place(self._name, tenant)
        if place is None:
            return None
        try:
            return await self._open(tenant, place)
        except CollectionGone:
            # Another process is making it, chunks first: nothing is in it yet.
            return None

    async def _made(self, tenant: str) -> Room:
        digest = digest_of(tenant)
        async with self._making:
            if digest in self._opened:
                return self._opened[digest]
            for tries_left in reversed(range(MAKING_TRIES)):
                try:
                    place = await self._places.make(self._name, digest)
                    await Tables(place.connection, place.name, self._engine).create(self._layout)
                    break
                except Unavailable:
                    # Another process may be making it at this moment; what it has made is used then.
                    if not tries_left:
                        raise
                    await asyncio.sleep(MAKING_SECONDS)
            return await self._open(digest, place)

    async def _open(self, tenant: str, place: Place) -> Room:
        tables = Tables(place.connection, place.name, self._engine)
        await tables.load()
        return self._opened.setdefault(tenant, Room.over(tables, self._layout))
