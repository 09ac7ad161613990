"""The store over Milvus: opening, and the port's calls passed on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import Misconfigured

from headwater_vectors.milvus import schema
from headwater_vectors.milvus.capabilities import SERVER, Capabilities, capabilities_of
from headwater_vectors.milvus.connection import READ_SECONDS, Address, CollectionGone, Connection
from headwater_vectors.milvus.reader import MilvusReader
from headwater_vectors.milvus.tables import Tables
from headwater_vectors.milvus.writer import MilvusWriter
from headwater_vectors.ports import ChunkRow, Counts, LedgerRow, Legs, Model, Query

# Searches and writes name this alias's collection, so that another can be put in its place.
ALIAS = "headwater"


@dataclass(frozen=True, slots=True)
class _Opened:
    model: Model
    tables: Tables
    reader: MilvusReader
    writer: MilvusWriter


class MilvusStore:
    """`VectorStore` over a Milvus; one an event loop."""

    def __init__(self, address: Address, alias: str = ALIAS) -> None:
        self._connection = Connection(address)
        self._alias = alias
        self._engine: Capabilities = SERVER
        # Names this process among the writers of ledger rows.
        self._writer_id = uuid4().hex
        self._opened: _Opened | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """As `VectorStore.open`."""
        self._engine = capabilities_of(await self._connection.open())
        await self._find()

    async def adopt(self, model: Model) -> None:
        """As `VectorStore.adopt`."""
        opened = self._opened
        if opened is None:
            async with self._opening:
                opened = await self._find() or await self._create(model)
        if opened.model != model:
            raise Misconfigured(
                f"the collection holds vectors of {opened.model.model_id}, not of {model.model_id}: "
                "run embed with that model, or use another store"
            )

    async def collection(self) -> tuple[str, Model] | None:
        """As `VectorStore.collection`."""
        opened = self._opened or await self._find()
        return (opened.tables.chunks, opened.model) if opened else None

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        """As `VectorWriter.upsert`."""
        await (await self._require()).writer.upsert(rows)

    async def whole(self, row: LedgerRow) -> bool:
        """As `VectorWriter.whole`."""
        opened = self._opened or await self._find()
        return await opened.writer.whole(row) if opened else row.chunk_count == 0

    async def switch(self, rows: Sequence[LedgerRow]) -> None:
        """As `VectorWriter.switch`."""
        await (await self._require()).writer.switch(rows)

    async def sweep(self, row: LedgerRow, replaced: LedgerRow | None = None) -> None:
        """As `VectorWriter.sweep`."""
        await (await self._require()).writer.sweep(row, replaced)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """As `VectorWriter.ledger`."""
        opened = self._opened or await self._find()
        return await opened.writer.ledger(keys) if opened else [None] * len(keys)

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        opened = self._opened or await self._find()
        return await opened.reader.search(query) if opened else Legs()

    async def counts(self, tenant: str) -> Counts:
        """As `VectorReader.counts`."""
        opened = self._opened or await self._find()
        return await opened.reader.counts(tenant) if opened else Counts(0, 0)

    async def maintain(self) -> None:
        """As `VectorStore.maintain`."""
        if self._opened is not None:
            await self._opened.writer.maintain()

    async def ping(self, seconds: float) -> None:
        """As `VectorStore.ping`."""
        await self._connection.data(lambda client: client.get_server_version(timeout=seconds), seconds)

    async def close(self) -> None:
        """As `VectorStore.close`."""
        self._opened = None
        await self._connection.close()

    async def drop(self) -> None:
        """Deletes the alias and its two collections, with all that is in them."""
        if opened := self._opened or await self._find():
            await opened.tables.drop(self._alias)
            self._opened = None

    async def _require(self) -> _Opened:
        if opened := self._opened or await self._find():
            return opened
        raise Misconfigured("there is no collection yet: adopt a model before writing")

    async def _find(self) -> _Opened | None:
        """What the alias names now; None while there is none."""
        try:
            found = await self._connection.data(
                lambda client: client.describe_alias(self._alias, timeout=READ_SECONDS), READ_SECONDS
            )
        except CollectionGone:
            return None
        name = str(found["collection_name"])
        described = await self._connection.data(
            lambda client: client.describe_collection(name, timeout=READ_SECONDS), READ_SECONDS
        )
        return await self._use(name, schema.model_of(name, described.get("properties", {})))

    async def _create(self, model: Model) -> _Opened:
        """Makes both collections, loads them, and only then names them by the alias."""
        name = schema.collection_name(self._alias, model)
        tables = Tables(self._connection, name, self._engine)
        await tables.create(model)
        await tables.load()
        await tables.name_by(self._alias)
        return await self._use(name, model)

    async def _use(self, name: str, model: Model) -> _Opened:
        tables = Tables(self._connection, name, self._engine)
        await tables.load()
        reader = MilvusReader(tables, model)
        writer = MilvusWriter(tables, model, self._writer_id)
        self._opened = _Opened(model, tables, reader, writer)
        return self._opened
