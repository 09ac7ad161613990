"""The store over a Milvus Lite that dies and comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from headwater_cli.platform import engines
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import wait_ready
from headwater_cli.platform.ports import PortLeases
from headwater_cli.platform.process import Child, Program
from headwater_cli.settings import inherited
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Misconfigured, Unavailable
from headwater_kit.core.filters import Member
from headwater_text.analysis import analyse
from headwater_vectors.milvus import Address, Isolation, MilvusStore, schema
from headwater_vectors.milvus.capabilities import Capabilities
from headwater_vectors.milvus.schema import NoReaders
from headwater_vectors.ports import ChunkRow, Legs, Query
from headwater_vectors.testing.access import restricted
from headwater_vectors.testing.samples import MODEL, all_ledger_rows, all_rows, found, ledger_row, put, rows
from pymilvus import CollectionSchema

QUERY = Query("acme", terms=analyse("apple"))
START_SECONDS = 60.0
# The service must make progress this soon after the store's return.
RETURN_SECONDS = 10.0
# Milvus keeps this tenant's rows in one partition with acme's.
NEIGHBOUR = "neighbour-20"


class Engine:
    """A Milvus Lite to kill and start again on the same folder and port."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.folder = folder
        self._program = program
        self._child: Child | None = None

    @property
    def uri(self) -> str:
        return f"http://{self._program.address}"

    async def start(self) -> None:
        self._child = Child(self._program, inherited())
        await wait_ready(self._child, Deadline.after(SystemClock(), START_SECONDS))

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    leases = PortLeases()
    folder = tmp_path_factory.mktemp("mortal")
    engine = Engine(engines.store(Layout(folder), leases), folder)
    yield engine
    engine.kill()
    leases.release()


@pytest.fixture
async def store(engine: Engine) -> AsyncIterator[MilvusStore]:
    await engine.start()
    store = MilvusStore(Address(engine.uri))
    await store.open()
    yield store
    await store.close()


async def searched_again(store: MilvusStore) -> Legs:
    """The first answer of a store that is coming back."""
    async with asyncio.timeout(RETURN_SECONDS):
        while True:
            try:
                return await store.search(QUERY)
            except Unavailable:
                await asyncio.sleep(0.1)


async def test_a_store_that_is_killed_is_unavailable_and_then_serves_all_it_acknowledged(
    engine: Engine, store: MilvusStore
) -> None:
    await store.adopt(MODEL)
    await put(store, rows("flushed", 1, ["apple one", "apple two"]))
    await store.maintain()
    await put(store, rows("fresh", 1, ["apple three"]))
    await store.switch(ledger_row("flushed", 2, 0))
    engine.kill()
    begin = time.monotonic()
    with pytest.raises(Unavailable):
        await store.search(QUERY)
    with pytest.raises(Unavailable):
        await store.ping(1.0)
    assert time.monotonic() - begin < 15
    await engine.start()
    assert found(await searched_again(store)) == {("fresh", 1, 0)}
    await put(store, rows("after", 1, ["apple four"]))
    assert found(await store.search(QUERY)) == {("fresh", 1, 0), ("after", 1, 0)}


async def test_a_reader_that_was_there_first_finds_the_collection_once_it_is_made(
    engine: Engine, store: MilvusStore
) -> None:
    reader = MilvusStore(Address(engine.uri))
    await reader.open()
    assert await reader.collection() is None
    await store.adopt(MODEL)
    await put(store, rows("a", 1, ["apple"]))
    assert found(await reader.search(QUERY)) == {("a", 1, 0)}
    assert await reader.collection() == ("headwater_sample_m", MODEL)
    await reader.close()


async def test_two_processes_write_while_one_flushes_and_nothing_is_lost_or_shown_in_part(
    engine: Engine, store: MilvusStore
) -> None:
    twin, reader = MilvusStore(Address(engine.uri)), MilvusStore(Address(engine.uri))
    await store.adopt(MODEL)
    await twin.open()
    await reader.open()
    stop = asyncio.Event()

    async def write(writer: MilvusStore, name: str) -> None:
        for version in range(1, 41):
            await put(writer, rows(f"{name}{version % 4}", version, ["apple"] * 3))

    async def flush() -> None:
        while not stop.is_set():
            await twin._connection.admin(lambda client: client.flush("headwater_sample_m"))
            await asyncio.sleep(0.01)

    async def search() -> None:
        while not stop.is_set():
            shown = found(await reader.search(QUERY))
            names = {(document, version) for document, version, _ in shown}
            assert len({document for document, _ in names}) == len(names), "two versions"
            assert len(shown) == 3 * len(names), "part of a document"

    others = [asyncio.create_task(flush()), asyncio.create_task(search())]
    await asyncio.gather(write(store, "a"), write(twin, "b"))
    stop.set()
    await asyncio.gather(*others)
    expected = {(f"{name}{version % 4}", version) for name in "ab" for version in range(37, 41)}
    assert {(document, version) for document, version, _ in await all_rows(store)} == expected
    assert found(await reader.search(QUERY)) == await all_rows(store)
    assert [(row.key.document_id, row.version) for row in await all_ledger_rows(store)] == sorted(expected)
    for each in (twin, reader):
        await each.close()


async def test_bulk_is_flushed_in_portions_and_not_all_at_a_turn_of_maintenance(
    engine: Engine, store: MilvusStore
) -> None:
    await store.adopt(MODEL)
    for number in range(12):
        await put(store, rows(f"d{number}", 1, ["apple"] * 100))
    # A segment a flush: after six documents and after twelve.
    assert len(list(engine.folder.rglob("data_*.parquet"))) == 2


async def test_a_small_tenant_and_a_document_are_found_whole_among_many_rows(
    engine: Engine, store: MilvusStore
) -> None:
    random = np.random.default_rng(3)

    def scattered(written: list[ChunkRow]) -> list[ChunkRow]:
        return [replace(row, vector=random.normal(size=MODEL.dimension).astype("<f4").tobytes()) for row in written]

    await store.adopt(MODEL)
    await put(store, scattered(rows("only", 1, ["apple"] * 40)))
    for number in range(40):
        await put(store, scattered(rows(f"d{number}", 1, ["apple"] * 50, tenant=NEIGHBOUR)))
    await store.maintain()
    # A store that starts has its indexes before it answers.
    engine.kill()
    await engine.start()
    await searched_again(store)
    for _ in range(10):
        (asked,) = scattered(rows("question", 1, ["apple"]))
        own = Query("acme", asked.vector, limit=50)
        document = Query(NEIGHBOUR, asked.vector, limit=50, filter=Member("document_id", ("d7",)))
        assert len((await store.search(own)).dense) == 40
        assert len((await store.search(document)).dense) == 50


async def test_a_collection_of_another_layout_is_refused_in_words(
    engine: Engine, store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LAYOUT_NUMBER", "1")
    await store.adopt(MODEL)
    monkeypatch.undo()
    late = MilvusStore(Address(engine.uri))
    with pytest.raises(Misconfigured, match="another version of Headwater"):
        await late.open()
    await late.close()


async def test_a_collection_from_before_readers_is_searched_and_refuses_only_what_it_cannot_keep(
    engine: Engine, store: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = schema.chunks_schema

    def before_readers(layout: schema.Layout, engine: Capabilities) -> CollectionSchema:
        old = made(layout, engine)
        old._fields = [field for field in old.fields if field.name != "readers"]
        return old

    monkeypatch.setattr(schema, "LAYOUT_NUMBER", schema.OPEN_LAYOUT_NUMBER)
    monkeypatch.setattr(schema, "chunks_schema", before_readers)
    await store.adopt(MODEL)
    await put(store, rows("old", 1, ["apple"]))
    monkeypatch.undo()
    late = MilvusStore(Address(engine.uri))
    await late.open()
    await put(late, rows("open", 1, ["apple"]))
    with pytest.raises(NoReaders, match="headwater rebuild"):
        await late.upsert(restricted(rows("secret", 1, ["apple"]), "group:a"))
    assert found(await late.search(QUERY)) == {("old", 1, 0), ("open", 1, 0)}
    # What a rebuild makes beside it can keep them.
    shadow = await late.shadow("next")
    await shadow.adopt(MODEL)
    await put(shadow, restricted(rows("secret", 1, ["apple"]), "group:a"))
    await shadow.close()
    await late.promote("next")
    assert found(await late.search(QUERY)) == set()
    assert found(await late.search(replace(QUERY, reads_as=("group:a",)))) == {("secret", 1, 0)}
    await late.close()


async def test_a_store_keeps_to_the_isolation_that_it_was_made_with(engine: Engine, store: MilvusStore) -> None:
    await store.adopt(MODEL)
    late = MilvusStore(Address(engine.uri), isolation=Isolation.COLLECTION)
    with pytest.raises(Misconfigured, match="HEADWATER_MILVUS_ISOLATION=shared"):
        await late.open()
    await late.close()


@pytest.mark.parametrize("isolation", [Isolation.COLLECTION, Isolation.DATABASE])
async def test_tenants_apart_survive_a_restart_and_share_nothing(engine: Engine, isolation: Isolation) -> None:
    await engine.start()
    store = MilvusStore(Address(engine.uri), isolation=isolation)
    await store.open()
    await store.adopt(MODEL)
    await put(store, rows("a", 1, ["apple"]))
    await put(store, rows("b", 1, ["apple"], tenant=NEIGHBOUR))
    engine.kill()
    await engine.start()
    assert found(await searched_again(store)) == {("a", 1, 0)}
    assert await all_rows(store) == {("a", 1, 0), ("b", 1, 0)}
    assert await all_rows(store, NEIGHBOUR) == {("b", 1, 0)}
    names = await store._connection.admin(lambda client: client.list_collections())
    holding = [name for name in names if name.startswith("headwater0") and not name.endswith("_ledger")]
    assert len(holding) == (2 if isolation is Isolation.COLLECTION else 0)
    served = await store.collection()
    assert served is not None
    # Of the served collection only the name is used, so nobody has loaded it since the restart.
    await store._connection.admin(lambda client: client.load_collection(served[0]))
    empty = await store._connection.admin(lambda client: client.query(served[0], filter='row_id != ""', limit=1))
    assert list(empty) == []
    await store.close()


async def test_opening_says_that_nobody_is_there() -> None:
    store = MilvusStore(Address("http://127.0.0.1:9"))
    with pytest.raises(Unavailable):
        await store.open()
    await store.close()
