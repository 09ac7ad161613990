"""The store over Milvus: opening, and the port's calls passed on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.core.documents import DocumentKey, Passage
from headwater_kit.core.errors import Misconfigured, Unavailable

from headwater_vectors.milvus import schema
from headwater_vectors.milvus.capabilities import SERVER, Capabilities, capabilities_of
from headwater_vectors.milvus.catalogue import Catalogue
from headwater_vectors.milvus.connection import Address, CollectionGone, Connection
from headwater_vectors.milvus.places import CollectionPlaces, DatabasePlaces, Places
from headwater_vectors.milvus.reader import MilvusReader
from headwater_vectors.milvus.rooms import Room, Rooms
from headwater_vectors.milvus.scan import MilvusScan
from headwater_vectors.milvus.schema import Isolation, Layout
from headwater_vectors.milvus.tables import Tables
from headwater_vectors.milvus.writer import MilvusWriter
from headwater_vectors.ports import NOTICE_SECONDS, ChunkRow, Counts, LedgerRow, Legs, Model, Query, StoredRow
from headwater_vectors.shadows import shadow_alias

# Searches and writes name this alias's collection, so that another can be put in its place.
ALIAS = "headwater"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Opened:
    name: str
    model: Model
    reader: MilvusReader | Rooms
    writer: MilvusWriter | Rooms
    scan: MilvusScan | Rooms


class MilvusStore:
    """`VectorStore` over a Milvus; one an event loop."""

    def __init__(
        self,
        address: Address,
        alias: str = ALIAS,
        *,
        isolation: Isolation = Isolation.SHARED,
        label: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._address = address
        self._isolation = isolation
        self._family = alias
        self._label = label
        self._alias = shadow_alias(alias, label) if label else alias
        self._clock = clock or SystemClock()
        self._connection = Connection(address)
        self._catalogue = Catalogue(self._connection)
        self._places: Places = (
            DatabasePlaces(self._connection, address, alias)
            if isolation is Isolation.DATABASE
            else CollectionPlaces(self._connection, alias)
        )
        self._engine: Capabilities = SERVER
        self._opened: _Opened | None = None
        self._look_due = 0.0
        self._looking = asyncio.Lock()
        # When the last look that failed was begun, and why it failed.
        self._failed: tuple[float, str] | None = None

    async def open(self) -> None:
        """As `VectorStore.open`."""
        self._engine = capabilities_of(await self._connection.open())
        async with self._looking:
            await self._look()

    async def adopt(self, model: Model) -> None:
        """As `VectorStore.adopt`."""
        opened = await self._served()
        if opened is None:
            async with self._looking:
                opened = await self._look() or await self._create(model)
        if opened.model != model:
            raise Misconfigured(
                f"the collection holds vectors of {opened.model.model_id}, not of {model.model_id}: "
                "run embed with that model, or use another store"
            )

    async def collection(self) -> tuple[str, Model] | None:
        """As `VectorStore.collection`."""
        opened = await self._served()
        return (opened.name, opened.model) if opened else None

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        """As `VectorWriter.upsert`."""
        await self._on_served(lambda opened: opened.writer.upsert(rows), _refuse)

    async def whole(self, row: LedgerRow) -> bool:
        """As `VectorWriter.whole`."""
        return await self._on_served(lambda opened: opened.writer.whole(row), lambda: row.chunk_count == 0)

    async def switch(self, row: LedgerRow) -> LedgerRow:
        """As `VectorWriter.switch`."""
        return await self._on_served(lambda opened: opened.writer.switch(row), _refuse)

    async def discard(self, row: LedgerRow) -> None:
        """As `VectorWriter.discard`."""
        await self._on_served(lambda opened: opened.writer.discard(row), _nothing)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """As `VectorWriter.ledger`."""
        return await self._on_served(lambda opened: opened.writer.ledger(keys), lambda: [None] * len(keys))

    async def search(self, query: Query) -> Legs:
        """As `VectorReader.search`."""
        return await self._on_served(lambda opened: opened.reader.search(query), Legs)

    async def passages(self, tenant: str, row_ids: Sequence[str]) -> Sequence[Passage]:
        """As `VectorReader.passages`."""
        return await self._on_served(lambda opened: opened.reader.passages(tenant, row_ids), lambda: ())

    async def vectors(self, tenant: str, row_ids: Sequence[str], model_id: str) -> Mapping[str, bytes]:
        """As `VectorReader.vectors`."""
        return await self._on_served(lambda opened: opened.reader.vectors(tenant, row_ids, model_id), dict)

    async def counts(self, tenant: str) -> Counts:
        """As `VectorReader.counts`."""
        return await self._on_served(lambda opened: opened.reader.counts(tenant), lambda: Counts(0, 0))

    async def rows(self, tenant: str | None = None) -> AsyncIterator[Sequence[StoredRow]]:
        """As `StoreScan.rows`."""
        if opened := await self._served():
            async for page in opened.scan.rows(tenant):
                yield page

    async def ledger_rows(self, tenant: str | None = None) -> AsyncIterator[Sequence[LedgerRow]]:
        """As `StoreScan.ledger_rows`."""
        if opened := await self._served():
            async for page in opened.scan.ledger_rows(tenant):
                yield page

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        """As `StoreScan.versions`."""
        return await self._on_served(lambda opened: opened.writer.versions(key), tuple)

    async def present(self, row_ids: Sequence[str]) -> frozenset[str]:
        """As `StoreScan.present`."""
        return await self._on_served(lambda opened: opened.writer.present(row_ids), frozenset)

    async def erase(self, row_ids: Sequence[str], versions: Sequence[LedgerRow]) -> None:
        """As `StoreScan.erase`."""
        await self._on_served(lambda opened: opened.writer.erase(row_ids, versions), _nothing)

    async def shadow(self, label: str) -> "MilvusStore":
        """As `Collections.shadow`."""
        shadow_alias(self._family, label)
        shadow = MilvusStore(self._address, self._family, isolation=self._isolation, label=label, clock=self._clock)
        await shadow.open()
        return shadow

    async def keep(self, label: str) -> None:
        """As `Collections.keep`."""
        alias = shadow_alias(self._family, label)
        name = await self._catalogue.named_by(self._alias)
        if name is not None:
            await self._catalogue.point(alias, name)

    async def promote(self, label: str) -> str:
        """As `Collections.promote`."""
        name = await self._catalogue.named_by(shadow_alias(self._family, label))
        if name is None:
            raise Misconfigured(f"there is no shadow {label} to promote")
        replaced = await self._catalogue.named_by(self._alias)
        await self._catalogue.point(self._alias, name)
        self._look_due = 0.0
        return replaced if replaced is not None and replaced != name else ""

    async def retire(self, name: str) -> None:
        """As `Collections.retire`."""
        if not name.startswith(f"{self._family}_"):
            name = await self._catalogue.named_by(shadow_alias(self._family, name)) or ""
        if name == await self._catalogue.named_by(self._alias):
            raise Misconfigured(f"the collection {name} is served: promote another before retiring it")
        if name:
            await self._drop(name)

    async def spare(self) -> Sequence[str]:
        """As `Collections.spare`."""
        served = await self._catalogue.named_by(self._alias)
        return [name for name in await self._catalogue.names(self._family) if name != served]

    async def maintain(self) -> None:
        """As `VectorStore.maintain`."""
        await self._on_served(lambda opened: opened.writer.maintain(), _nothing)

    async def ping(self, seconds: float) -> None:
        """As `VectorStore.ping`."""
        await self._connection.data(lambda client: client.get_server_version(timeout=seconds), seconds)

    async def close(self) -> None:
        """As `VectorStore.close`."""
        self._opened = None
        await self._places.close()
        await self._connection.close()

    async def drop(self) -> None:
        """As `DroppableStore.drop`."""
        for name in await self._catalogue.names(self._family):
            await self._drop(name)
        self._opened = None

    async def _drop(self, name: str) -> None:
        """A collection with the places of its tenants; it comes last, since they are found by its name."""
        for tenant in await self._places.tenants(name):
            if place := await self._places.place(name, tenant):
                await Catalogue(place.connection).drop(place.name)
        await self._catalogue.drop(name)

    async def _on_served(self, call: Callable[[_Opened], Awaitable[Result]], absent: Callable[[], Result]) -> Result:
        """What a call on the collection served returns; what `absent` does while there is none."""
        opened = await self._served()
        if opened is None:
            return absent()
        try:
            return await call(opened)
        except CollectionGone:  # another was promoted and this one dropped, within a moment
            self._look_due = 0.0
            opened = await self._served()
            return absent() if opened is None else await call(opened)

    async def _served(self) -> _Opened | None:
        """What the alias names, as of at most NOTICE_SECONDS ago."""
        if self._is_look_due():
            asked = self._clock.monotonic()
            async with self._looking:
                if self._is_look_due():
                    await self._look_for_all(asked)
        return self._opened

    def _is_look_due(self) -> bool:
        return self._opened is None or self._clock.monotonic() >= self._look_due

    async def _look_for_all(self, asked: float) -> None:
        """Looks, or fails as a look did that was begun since `asked`: of a store that hangs each look takes seconds,
        and one for each who waits, one after the other, would take them longer than a handler may take.
        """
        if self._failed is not None and self._failed[0] >= asked:
            raise Unavailable(self._failed[1])
        begun = self._clock.monotonic()
        try:
            await self._look()
        except Unavailable as error:
            self._failed = (begun, error.message)
            raise

    async def _look(self) -> _Opened | None:
        """What the alias names now; None while there is none."""
        due = self._clock.monotonic() + NOTICE_SECONDS
        name = await self._catalogue.named_by(self._alias)
        if name is None:
            self._opened = None
        elif self._opened is None or self._opened.name != name:
            self._opened = await self._use(name, await self._catalogue.layout_of(name))
        self._look_due = due
        return self._opened

    async def _create(self, model: Model) -> _Opened:
        """Makes both collections, loads them, and only then names them by the alias."""
        name = schema.collection_name(self._family, model, self._label)
        tables, layout = Tables(self._connection, name, self._engine), Layout(model, self._isolation)
        await tables.create(layout)
        await tables.load()
        await self._catalogue.point(self._alias, name)
        self._opened = await self._use(name, layout)
        return self._opened

    async def _use(self, name: str, layout: Layout) -> _Opened:
        schema.check_isolation(name, layout, self._isolation)
        if self._isolation is not Isolation.SHARED:
            rooms = Rooms(name, layout, self._engine, self._places)
            return _Opened(name, layout.model, rooms, rooms, rooms)
        tables = Tables(self._connection, name, self._engine)
        await tables.load()
        room = Room.over(tables, layout)
        return _Opened(name, layout.model, room.reader, room.writer, room.scan)


def _refuse() -> NoReturn:
    raise Misconfigured("there is no collection yet: adopt a model before writing")


def _nothing() -> None:
    """Without a collection there is nothing to do."""
