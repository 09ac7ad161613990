"""Upkeep over Apache Kafka and Milvus Lite, while documents change: compared, repaired, made anew, by another model."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from headwater_cli.platform import engines
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import running
from headwater_cli.platform.ports import PortLeases
from headwater_cli.settings import PlatformSettings, inherited
from headwater_client import AsyncClient, ClientSettings, RebuildStage, TenantDrift
from headwater_index.adapters.memory import vector_of
from headwater_index.bootstrap import build
from headwater_index.settings import Settings
from headwater_kit.bus.factory import open_bus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import DocumentKey, Lane, embedding_text
from headwater_kit.core.reindexes import JudgedQuery, ReindexStage
from headwater_text.analysis import analyse
from headwater_vectors.milvus import Address, MilvusStore
from headwater_vectors.ports import Model, ModelChanged, Query
from headwater_vectors.testing.samples import MODEL
from pymilvus import MilvusClient
from unit.services.index.world import World, dump

DOCUMENTS = 150
APPLIED_SECONDS = 60.0
MAX_ROWS = 16_384
GRACE_SECONDS = 5.0
# Between two changes, or two searches: without a pause there would be as many as the machine is fast, to be made good.
CHANGE_SECONDS = 0.1
# As long as the other model's: nothing but its name keeps their vectors apart.
NEXT = Model("next-model", MODEL.dimension)


@dataclass
class Upkeep:
    """A running service, those who look after it, and who writes what it reads."""

    world: World
    client: AsyncClient
    uri: str

    async def applied(self) -> None:
        """Returns once the index has announced all that was accepted."""
        async with asyncio.timeout(APPLIED_SECONDS):
            while True:
                drifts = await self.compare()
                if not any(drift.pending for drift in drifts):
                    return
                await asyncio.sleep(0.2)

    async def compare(self, *, repair: bool = False) -> list[TenantDrift]:
        updates = self.client.upkeep.reconcile(repair=repair)
        return [update async for update in updates if isinstance(update, TenantDrift)]

    async def rebuild(self) -> str:
        """The name of the new collection."""
        *_, last = [progress async for progress in self.client.upkeep.rebuild()]
        assert last.stage is RebuildStage.DONE, last.reason
        return last.collection

    def contents(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Every field of every row, vectors too; of the ledger all but who wrote a row when."""
        client = MilvusClient(uri=self.uri, timeout=10)
        chunks = str(client.describe_alias("headwater")["collection_name"])
        rows, ledger = (_all(client, name) for name in (chunks, f"{chunks}_ledger"))
        client.close()
        for row in ledger:
            del row["writer"], row["switch_number"]
        return rows, ledger


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A broker and a store of this module's own: what others write there would be drift."""
    leases = PortLeases()
    broker = engines.broker(Layout(tmp_path_factory.mktemp("upkept-log")), leases, PlatformSettings().java_home)
    store = engines.store(Layout(tmp_path_factory.mktemp("upkept-store")), leases)
    with running(broker, inherited()) as kafka, running(store, inherited()) as milvus:
        yield kafka, f"http://{milvus}"
    leases.release()


@pytest.fixture
async def upkeep(addresses: tuple[str, str], tmp_path: Path) -> AsyncIterator[Upkeep]:
    bootstrap, uri = addresses
    settings = Settings(
        kafka_bootstrap=bootstrap, milvus_uri=uri, grpc_port=0, metrics_port=0, data_dir=tmp_path,
        index_operator_tenant="default", index_reindex_grace_seconds=GRACE_SECONDS,
    )  # fmt: skip
    world = World(MilvusStore(Address(uri)))
    world.encoder.models[NEXT.model_id] = NEXT
    world.use(open_bus(settings, SystemClock()))
    await world.open()
    async with build(settings, encoder=world.encoder) as service:
        callers = ClientSettings(index_target=f"127.0.0.1:{service.port}")
        async with AsyncClient(callers) as client:
            yield Upkeep(world, client, uri)
    await world.store.close()


async def test_compared_repaired_and_made_anew_while_documents_change(upkeep: Upkeep) -> None:
    world = upkeep.world
    for number in range(DOCUMENTS):
        lane = Lane.BACKFILL if number % 3 == 0 else Lane.LIVE
        await world.accept(DocumentKey("acme", f"d{number}"), 1, "apple", "pear", f"plum {number}", lane=lane)
    for number in range(0, DOCUMENTS, 5):
        await world.accept(DocumentKey("acme", f"d{number}"), 2, *(["apple edited"] if number % 2 else []))
    await upkeep.applied()
    await _is_mended(upkeep)
    await _changes_meanwhile(upkeep)
    await _is_the_same_made_anew(upkeep)


async def test_another_model_takes_over_and_gives_way_again_while_documents_change(upkeep: Upkeep) -> None:
    world, reindexing = upkeep.world, upkeep.client.reindexing
    for number in range(DOCUMENTS):
        lane = Lane.BACKFILL if number % 3 == 0 else Lane.LIVE
        await world.accept(DocumentKey("acme", f"r{number}"), 1, "apple", f"pear {number}", lane=lane)
    await upkeep.applied()
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as meanwhile:
        edits = meanwhile.create_task(_edited(world, stopped))
        searches = meanwhile.create_task(_searched(world, stopped))
        *_, ready = [status async for status in reindexing.reindex(NEXT.model_id)]
        assert ready.report is not None
        assert (ready.report.stage, ready.report.passed_over) == (ReindexStage.READY, 0)
        asked = [JudgedQuery("acme", f"pear {number}", {f"r{number}": 1}) for number in range(100, 120)]
        judged = (await reindexing.judge(asked)).judgement
        assert judged is not None
        assert judged.judged == len(asked)
        await reindexing.promote(below_gate=True)
        await reindexing.rollback()
        await reindexing.promote(below_gate=True)
        await asyncio.sleep(2.0)
        stopped.set()
    assert searches.result() == {MODEL.model_id, NEXT.model_id}
    assert edits.result() > 20
    await upkeep.applied()
    assert sum(drift.drift for drift in await upkeep.compare()) == 0
    _are_by(upkeep, NEXT)
    async with asyncio.timeout(APPLIED_SECONDS):
        while await world.store.spare():
            await asyncio.sleep(0.2)
    last = (await reindexing.status()).report
    assert last is not None
    assert last.stage is ReindexStage.DONE


async def _edited(world: World, stopped: asyncio.Event) -> int:
    """Edits a few documents again and again; returns how often."""
    for version in itertools.count(10):
        if stopped.is_set():
            return version - 10
        await world.accept(DocumentKey("acme", f"r{version % 7}"), version, *["apple edited", "fig"][: version % 3])
        await asyncio.sleep(CHANGE_SECONDS)
    raise AssertionError("it counts for ever")


async def _searched(world: World, stopped: asyncio.Event) -> set[str]:
    """Searches as retrieve does; returns the models that it met. Each hit scores as that model says."""
    met = set()
    while not stopped.is_set():
        found = await world.store.collection()
        assert found is not None
        model = found[1]
        asked = vector_of("apple", model)
        with suppress(ModelChanged):
            legs = await world.store.search(Query("acme", asked, analyse("apple"), 20, model_id=model.model_id))
            met.add(model.model_id)
            assert legs.dense
            for hit in legs.dense:
                passage = hit.passage
                text = embedding_text(passage.info.title, passage.chunk.heading_path, passage.chunk.text)
                assert hit.score == pytest.approx(_cosine(asked, vector_of(text, model)), abs=1e-3)
        await asyncio.sleep(CHANGE_SECONDS)
    return met


def _cosine(one: bytes, other: bytes) -> float:
    return float(np.frombuffer(one, "<f4") @ np.frombuffer(other, "<f4"))


def _are_by(upkeep: Upkeep, model: Model) -> None:
    rows, _ = upkeep.contents()
    own = [row for row in rows if row["document_id"].startswith("r")]
    assert len(own) > DOCUMENTS
    for row in own:
        text = embedding_text(row["title"], tuple(row["heading_path"]), row["text"])
        made = np.asarray(row["dense"], dtype="<f4").tobytes()
        assert _cosine(made, vector_of(text, model)) == pytest.approx(1.0, abs=1e-4)


async def _is_mended(upkeep: Upkeep) -> None:
    before = upkeep.contents()
    chunks, ledger = await dump(upkeep.world.store)
    assert sum(drift.drift for drift in await upkeep.compare()) == 0
    # Rows, a ledger row, and a whole document go; a document comes that nobody wrote.
    await upkeep.world.store.erase([row.row_id for row in chunks[::40]], ledger[7:8])
    gone = ledger[20].key
    await upkeep.world.store.erase([row.row_id for row in chunks if row.key == gone], ledger[20:21])
    for part in await _parts_of_nobody(upkeep):
        await upkeep.world.indexer.apply(DocumentKey("acme", "nobody"), part)
    found = await upkeep.compare()
    assert sum(drift.missing for drift in found) >= 3
    assert sum(drift.extra for drift in found) == 1
    mended = await upkeep.compare(repair=True)
    assert sum(drift.repaired for drift in mended) == sum(drift.drift for drift in found)
    assert upkeep.contents() == before


async def _parts_of_nobody(upkeep: Upkeep) -> list[Any]:
    silent = World(upkeep.world.store)
    await silent.open()
    return await silent.accept(DocumentKey("acme", "nobody"), 5, "apple", "quince", "fig")


async def _is_the_same_made_anew(upkeep: Upkeep) -> None:
    before = upkeep.contents()
    collection = await upkeep.rebuild()
    assert upkeep.contents() == before
    assert await upkeep.world.store.spare() == []
    found = await upkeep.world.store.collection()
    assert found is not None
    assert found[0] == collection


async def _changes_meanwhile(upkeep: Upkeep) -> None:
    rebuilding = asyncio.create_task(upkeep.rebuild())
    versions = itertools.count(10)
    while not rebuilding.done():
        version = next(versions)
        for name in (f"d{version % DOCUMENTS}", "busy", f"new{version}"):
            texts = [] if version % 7 == 0 else ["apple", f"edit {version}", "pear"][: 1 + version % 3]
            await upkeep.world.accept(DocumentKey("acme", name), version, *texts)
        await _search_is_whole(upkeep)
        await asyncio.sleep(CHANGE_SECONDS)
    await rebuilding
    await upkeep.applied()
    assert version > 20
    assert sum(drift.drift for drift in await upkeep.compare()) == 0


async def _search_is_whole(upkeep: Upkeep) -> None:
    legs = await upkeep.world.store.search(Query("acme", terms=analyse("apple"), limit=1_000))
    shown = {(hit.passage.document_id, hit.passage.version) for hit in legs.lexical}
    assert len({name for name, _ in shown}) == len(shown)
    assert len(shown) > DOCUMENTS / 2


def _all(client: MilvusClient, name: str) -> list[dict[str, Any]]:
    found = client.query(name, filter="row_id != ''", output_fields=["*"], limit=MAX_ROWS, consistency_level="Strong")
    assert len(found) < MAX_ROWS
    return sorted((dict(row) for row in found), key=lambda row: str(row["row_id"]))
