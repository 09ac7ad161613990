"""A tenant's deletion over the real ingest and index, on the in-process bus and store."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from headwater_index.adapters.companions import BusCompanionDesk
from headwater_index.adapters.log import BusLog
from headwater_index.adapters.memory import WordEncoder, vector_of
from headwater_index.adapters.tenants import BusTenantLog
from headwater_index.adapters.workbook import SqliteWorkbooks
from headwater_index.bootstrap import build as build_index
from headwater_index.domain.drift import Accepted, Scope, TenantDrift
from headwater_index.domain.erasure import EraseProgress, Remains
from headwater_index.handlers.beside import Companions
from headwater_index.handlers.companions import Companion
from headwater_index.handlers.erasing import TenantErasing
from headwater_index.handlers.pacing import Pace
from headwater_index.handlers.reconciling import Reconciler
from headwater_index.handlers.replaying import Replay
from headwater_index.settings import Settings as IndexSettings
from headwater_ingest.bootstrap import build as build_ingest
from headwater_ingest.settings import Settings as IngestSettings
from headwater_kit.bus.dead_letters import Rejection, to_dead_letter
from headwater_kit.bus.letters import Criteria, latest
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import (
    CHUNKS,
    CHUNKS_BACKFILL,
    DOCUMENTS,
    DOCUMENTS_BACKFILL,
    EMBEDDINGS,
    EMBEDDINGS_BACKFILL,
    LEDGER,
    MODELS,
    TENANTS,
    dead_letter,
)
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, document_of
from headwater_kit.core.errors import InvalidInput, Misconfigured, Permanent
from headwater_kit.core.events import DocumentChunked, DocumentEmbedded, LedgerEntry
from headwater_kit.core.learning import ClickMemory, ModelPublished
from headwater_kit.core.tenants import TenantErased
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import Model, Query
from headwater_vectors.testing.samples import MODEL

ACME, GLOBEX = "acme", "globex"
BESIDE = Model("other-encoder", 16)


class Plant:
    """Ingest and index, and a stand-in for embed between them."""

    def __init__(self, folder: Path) -> None:
        self.bus = MemoryBus()
        self.store = MemoryStore()
        self.clock = SystemClock()
        self.log = BusTenantLog(self.bus, self.clock)
        self.beside, self.desk = MemoryStore(), BusCompanionDesk(self.bus, self.clock, random.Random(1))
        self.companions = Companions([Companion(BESIDE.model_id, self.beside)], self.desk, lambda _: self.beside)
        self.erasing = TenantErasing(self.store, self.log, self.clock, self.companions)
        self._folder = folder

    @asynccontextmanager
    async def running(self, rules: dict[str, Any] | None = None) -> AsyncIterator["Plant"]:
        """With these rules about whom the records of topics may name."""
        settings: dict[str, Any] = {"bus": "memory", "grpc_port": 0, "metrics_port": 0, "data_dir": self._folder}
        ingest = IngestSettings(
            **settings, ingest_cutter="direct", ingest_cache="memory", ingest_objects="memory", encoder="hash-words",
            kafka_tenants=rules or {},
        )  # fmt: skip
        index = IndexSettings(
            **settings, vectors="memory", index_operator_tenant="default", encoders_beside=BESIDE.model_id
        )
        embedding = [
            asyncio.create_task(self._embed(CHUNKS.name, EMBEDDINGS.name)),
            asyncio.create_task(self._embed(CHUNKS_BACKFILL.name, EMBEDDINGS_BACKFILL.name)),
        ]
        stores: dict[str, Any] = {"store": self.store, "open_beside": lambda _: self.beside}
        indexing = build_index(index, bus=self.bus, encoder=WordEncoder(MODEL, BESIDE), **stores)
        async with build_ingest(ingest, bus=self.bus), indexing:
            await self.log.start()
            await self.desk.start()
            await self.is_whole()
            yield self
            await self.desk.stop(Deadline.after(self.clock, 1.0))
        for task in embedding:
            task.cancel()

    async def _embed(self, chunks: str, embeddings: str) -> None:
        reader, producer = self.bus.reader(chunks), self.bus.producer()
        while True:
            for record in await reader.poll(100, 0.5):
                value = None if record.value is None else encode(_embedded(decode(DocumentChunked, record.value)))
                await producer.send(Outbound(embeddings, record.key, value, record.headers, record.partition))

    def write(self, tenant: str, name: str, text: str | None, topic: str = DOCUMENTS.name) -> None:
        value = None if text is None else text.encode()
        self.bus.broker.append(Outbound(topic, DocumentKey(tenant, name).to_bytes(), value))

    async def follow(self) -> None:
        await self.log.follow()

    async def delete(self, tenant: str) -> dict[str, Remains]:
        updates = [update async for update in self.erasing.run(tenant)]
        assert any(isinstance(update, EraseProgress) for update in updates)
        return {update.place: update for update in updates if isinstance(update, Remains)}

    async def is_whole(self) -> None:
        """Waits until the encoder beside has its collection."""
        async with asyncio.timeout(20.0):
            while await self.beside.collection() is None:
                await asyncio.to_thread(lambda: None)

    async def held_beside(self, tenant: str) -> set[tuple[str, int]]:
        """Versions of the tenant that the encoder beside has, once it has followed."""
        await self.desk.followed(BESIDE.model_id)
        return {(row.key.document_id, row.version) async for page in self.beside.ledger_rows(tenant) for row in page}

    async def found(self, tenant: str) -> set[str]:
        legs = await self.store.search(Query(tenant, terms="cat", limit=50))
        return {hit.passage.document_id for hit in legs.lexical}

    def put_aside(self, tenant: str, name: str) -> None:
        record = Record(DOCUMENTS.name, 0, 7, DocumentKey(tenant, name).to_bytes(), b"\xff", {}, 1.0)
        self.bus.broker.append(to_dead_letter(record, "ingest", Rejection(InvalidInput("no"), 1)))

    def ledger(self, tenant: str) -> dict[str, LedgerEntry]:
        last: dict[str, LedgerEntry] = {}
        for record in self.bus.broker.records(LEDGER.name):
            key = document_of(record.key)
            if key.tenant == tenant and record.value is None:
                last.pop(key.document_id, None)
            elif key.tenant == tenant:
                last[key.document_id] = decode(LedgerEntry, record.value or b"")
        return last


def _embedded(part: DocumentChunked) -> DocumentEmbedded:
    vectors = tuple(vector_of(chunk.text, MODEL) for chunk in part.chunks)
    return DocumentEmbedded(part, vectors, MODEL.model_id, MODEL.dimension)


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Plant]:
    async with Plant(tmp_path).running() as running:
        yield running


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(10.0):
        while not look():
            await asyncio.sleep(0)


async def test_all_of_a_tenant_goes_and_nothing_of_another(plant: Plant) -> None:
    for tenant in (ACME, GLOBEX):
        for name in ("a", "b", "c"):
            plant.write(tenant, name, f"The cat of {name}.")
        plant.write(tenant, "a", "The cat of a, edited.")
        plant.write(tenant, "b", None)
        plant.write(tenant, "d", "The cat of bulk.", DOCUMENTS_BACKFILL.name)
        plant.put_aside(tenant, "bad")
        memory = ClickMemory(tenant, "cluster", b"\0" * 4, MODEL.model_id, ())
        key = f"{tenant}\x1fmemory\x1fcluster".encode()
        plant.bus.broker.append(Outbound(MODELS.name, key, encode(ModelPublished(memory, 1.0))))
    await until(lambda: set(plant.ledger(GLOBEX)) == {"a", "b", "c", "d"})
    await plant.follow()
    assert await plant.found(ACME) == {"a", "c", "d"}

    remains = await plant.delete(ACME)
    assert {place: found.left for place, found in remains.items() if found.left} == {}
    assert remains["documents.v1"].expiring >= 6
    assert remains["documents.v1"].gone_by is not None
    assert await plant.found(ACME) == set()
    assert plant.ledger(ACME) == {}
    assert (await latest(plant.bus, Criteria(tenant=ACME), 10)).total == 0

    assert await plant.found(GLOBEX) == {"a", "c", "d"}
    assert set(plant.ledger(GLOBEX)) == {"a", "b", "c", "d"}
    assert (await latest(plant.bus, Criteria(tenant=GLOBEX), 10)).total == 1
    left = {one.place: one.left for one in await plant.log.remains(GLOBEX)}
    assert (left["models.v1"], left["ledger.v1"]) == (1, 4)


async def test_a_tenant_may_begin_anew_with_versions_from_the_beginning(plant: Plant) -> None:
    for text in ("The cat once.", "The cat twice.", "The cat thrice."):
        plant.write(ACME, "a", text)
    await plant.follow()
    await plant.delete(ACME)
    plant.write(ACME, "a", "The cat again.")
    await plant.follow()
    assert await plant.found(ACME) == {"a"}
    assert plant.ledger(ACME)["a"].version == 1


async def test_what_compaction_has_left_of_it_is_no_drift_and_comes_back_by_no_replay(plant: Plant) -> None:
    for tenant in (ACME, GLOBEX):
        plant.write(tenant, "a", "The cat.")
        plant.write(tenant, "b", None)
    await plant.follow()
    await plant.delete(ACME)
    plant.write(ACME, "c", "The cat anew.")
    await plant.follow()
    log = BusLog(plant.bus)
    for reading in (log.accepted, log.final, log.embedded):
        found: set[str] = set()
        async with reading() as opened:
            async for page in opened.until_now():
                keys = (item.row.key if isinstance(item, Accepted) else item.key for item in page)
                found |= {f"{key.tenant}/{key.document_id}" for key in keys if key.tenant in (ACME, GLOBEX)}
        assert found == {"acme/c", "globex/a", "globex/b"}
    repairs = Replay(None, plant.clock, random.Random(1), rewrite=True)  # type: ignore[arg-type]
    reconciler = Reconciler(plant.store, log, SqliteWorkbooks(), repairs, settle=lambda: asyncio.sleep(0))
    updates = [update async for update in reconciler.run(Scope(), Pace(plant.clock, 1.0))]
    assert {update.tenant: update.drift for update in updates if isinstance(update, TenantDrift)} == {
        "acme": 0,
        "globex": 0,
        "headwater-no-document": 0,
    }


async def test_what_comes_late_of_before_or_meanwhile_comes_to_nothing(plant: Plant) -> None:
    plant.write(ACME, "a", "The cat.")
    await plant.follow()
    hold = TenantErased(ACME, plant.clock.now() + 60.0)
    await plant.log.fence(hold)
    await plant.delete(ACME)
    # Whoever redrives it, or lets it in from a lane, says when it first stood.
    origin = f"{DOCUMENTS.name}/0/0/1000".encode()
    late = Outbound(DOCUMENTS.name, DocumentKey(ACME, "a").to_bytes(), b"The cat.", {"headwater-origin": origin})
    plant.bus.broker.append(late)
    plant.write(GLOBEX, "a", "The cat.")
    await plant.follow()
    assert (await plant.found(ACME), plant.ledger(ACME)) == (set(), {})
    assert await plant.found(GLOBEX) == {"a"}

    await plant.log.fence(TenantErased(ACME, plant.clock.now() + 60.0))
    await until(lambda: len(plant.bus.broker.records(TENANTS.name)) >= 4)
    await asyncio.sleep(0)
    plant.write(ACME, "b", "The cat meanwhile.")
    await plant.follow()
    assert plant.ledger(ACME) == {}
    await plant.delete(ACME)
    plant.write(ACME, "b", "The cat afterwards.")
    await plant.follow()
    assert await plant.found(ACME) == {"b"}


async def test_the_default_tenant_can_be_deleted_too(plant: Plant) -> None:
    plant.write("default", "a", "The cat.")
    plant.write(ACME, "a", "The cat.")
    await plant.follow()
    remains = await plant.delete("default")
    assert not any(found.left for found in remains.values())
    assert (await plant.found("default"), await plant.found(ACME)) == (set(), {"a"})


async def test_a_report_deletes_nothing(plant: Plant) -> None:
    plant.write(ACME, "a", "The cat.")
    await plant.follow()
    updates = [update async for update in plant.erasing.run(ACME, report_only=True)]
    found = {update.place: update.left for update in updates if isinstance(update, Remains)}
    assert (found["store chunks"], found["store ledger"], found["ledger.v1"]) == (1, 1, 1)
    assert await plant.found(ACME) == {"a"}
    assert plant.bus.broker.records(TENANTS.name) == []


@pytest.mark.parametrize("others", [["globex"], ["globex", "default"]])
async def test_it_ends_where_the_topic_lets_its_records_name_others_alone(tmp_path: Path, others: list[str]) -> None:
    plant = Plant(tmp_path)
    async with plant.running():
        for tenant in (ACME, GLOBEX):
            plant.write(tenant, "a", "The cat.")
            plant.write(tenant, "d", "The cat of bulk.", DOCUMENTS_BACKFILL.name)
        await until(lambda: set(plant.ledger(ACME)) == set(plant.ledger(GLOBEX)) == {"a", "d"})
        await plant.follow()
    async with plant.running({"documents.v1": {"tenants": others}}), asyncio.timeout(20.0):
        remains = await plant.delete(ACME)
        assert {place: found.left for place, found in remains.items() if found.left} == {}
        assert (await plant.found(ACME), await plant.found(GLOBEX)) == (set(), {"a", "d"})
        # Once it is over, the rule holds for it as before.
        plant.write(ACME, "a", None)
        await until(lambda: bool(plant.bus.broker.records(dead_letter(DOCUMENTS.name, "ingest"))))


async def test_deletions_that_change_nothing_are_no_endless_work(plant: Plant) -> None:
    class Stubborn(BusTenantLog):
        async def delete_documents(self, tenant: str) -> int:
            return 3

        async def follow(self) -> None:
            pass

    log = Stubborn(plant.bus, plant.clock)
    await log.start()
    with pytest.raises(Misconfigured, match=r"3 documents of tenant acme stay.*HEADWATER_KAFKA_TENANTS of ingest"):
        async for _ in TenantErasing(plant.store, log, plant.clock, plant.companions).run(ACME):
            pass
    # What the tenant writes from now on counts again.
    (_, released) = (decode(TenantErased, record.value or b"") for record in plant.bus.broker.records(TENANTS.name))
    assert released.erase_time <= plant.clock.now()


async def test_a_collection_beside_the_served_one_stands_in_the_way(plant: Plant) -> None:
    shadow = await plant.store.shadow("next")
    await shadow.adopt(MODEL)
    with pytest.raises(Permanent, match="stands beside the one that searches read"):
        await plant.delete(ACME)
    with pytest.raises(InvalidInput):
        await plant.delete("")


async def test_an_encoder_that_stands_beside_forgets_it_and_lets_it_begin_anew(plant: Plant) -> None:
    for tenant in (ACME, GLOBEX):
        plant.write(tenant, "a", "The cat of a.")
        plant.write(tenant, "a", "The cat of a, edited.")
    await until(lambda: plant.ledger(GLOBEX)["a"].version == 2 if plant.ledger(GLOBEX) else False)
    await plant.follow()
    remains = await plant.delete(ACME)
    place = f"store of {BESIDE.model_id}"
    assert (remains[f"{place} chunks"].left, remains[f"{place} ledger"].left) == (0, 0)
    assert (await plant.held_beside(ACME), await plant.held_beside(GLOBEX)) == (set(), {("a", 2)})
    plant.write(ACME, "a", "The cat is back.")
    await until(lambda: "a" in plant.ledger(ACME))
    await plant.follow()
    assert await plant.held_beside(ACME) == {("a", 1)}


async def test_it_is_refused_while_such_a_collection_is_filled(plant: Plant) -> None:
    shadow = await plant.beside.shadow("n7")
    await shadow.adopt(BESIDE)
    with pytest.raises(Permanent, match="is being filled"):
        await plant.delete(ACME)
