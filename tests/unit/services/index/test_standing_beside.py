"""Encoders that stand beside, in the service as wired: told, compared, refused, erased."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headwater.events.v1 import companions_pb2
from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceStub
from headwater_index.bootstrap import build
from headwater_index.handlers import rebuilding
from headwater_index.settings import Settings
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.topics import EMBEDDINGS, EMBEDDINGS_BACKFILL, INDEXED
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import InvalidInput, Misconfigured
from headwater_kit.testing.service import serving
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import Model
from unit.services.index.world import World, dump

if TYPE_CHECKING:
    from headwater.index.v1.index_pb2_grpc import IndexServiceAsyncStub

BESIDE = Model("other-encoder", 16)
WAIT_SECONDS = 20.0


class Running:
    """The service, the world on its bus, and the store of the encoder that stands beside."""

    def __init__(self, folder: Path) -> None:
        self.bus = MemoryBus()
        self.world = World(MemoryStore())
        self.world.use(self.bus)
        self.world.encoder.models[BESIDE.model_id] = BESIDE
        self.store = MemoryStore()
        self._folder = folder

    @asynccontextmanager
    async def serving(self, beside: str) -> AsyncIterator["IndexServiceAsyncStub"]:
        settings = Settings(
            bus="memory", vectors="memory", grpc_port=0, drain_seconds=5.0, data_dir=self._folder,
            index_operator_tenant="default", encoders_beside=beside,
        )  # fmt: skip
        service = build(
            settings, bus=self.bus, store=self.world.store, encoder=self.world.encoder, open_beside=lambda _: self.store
        )
        async with serving(service, settings) as channel:
            yield IndexServiceStub(channel)

    async def write(self, name: str, version: int, *texts: str, tenant: str = "default") -> None:
        """As far as the log; the service applies it."""
        await self.world.accept(DocumentKey(tenant, name), version, *texts)

    async def stats(self, stub: "IndexServiceAsyncStub") -> pb.CompanionStats:
        (found,) = (await stub.GetStats(pb.GetStatsRequest())).beside
        return found

    async def in_step(self, stub: "IndexServiceAsyncStub") -> None:
        """Returns once both collections hold the same, and all of the log."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                report = (await self.stats(stub)).report
                is_whole = report.stage == companions_pb2.COMPANION_STAGE_WHOLE
                if is_whole and await self.is_same():
                    return
                await asyncio.to_thread(lambda: None)

    async def is_same(self) -> bool:
        return await dump(self.store) == await dump(self.world.store)


@pytest.fixture
async def running(tmp_path: Path) -> Running:
    running = Running(tmp_path)
    await running.bus.create_topics([EMBEDDINGS.name, EMBEDDINGS_BACKFILL.name, INDEXED.name])
    await running.world.open()
    for number in range(5):
        await running.write(f"d{number}", 1, "apple", f"pear {number}", "plum")
    await running.write("theirs", 1, "apple", tenant="acme")
    return running


async def test_it_is_filled_told_and_compared(running: Running) -> None:
    async with running.serving(BESIDE.model_id) as stub:
        await running.in_step(stub)
        await running.write("d1", 2, "edited")
        await running.in_step(stub)
        stats = await running.stats(stub)
        assert (stats.document_count, stats.report.model_id) == (5, BESIDE.model_id)
        (gone, *_), _ = await dump(running.store)
        await running.store.erase([gone.row_id], ())
        updates = [each async for each in stub.Reconcile(pb.ReconcileRequest(repair=True))]
        drifts = [each.drift for each in updates if each.HasField("drift")]
        found = {(drift.tenant, drift.beside): (drift.missing, drift.repaired) for drift in drifts}
        assert found == {
            ("acme", ""): (0, 0),
            ("default", ""): (0, 0),
            ("acme", BESIDE.model_id): (0, 0),
            ("default", BESIDE.model_id): (0, 0),
            (gone.key.tenant, BESIDE.model_id): (1, 1),
        }
        assert await running.is_same()


async def test_a_reindex_to_it_is_refused(running: Running) -> None:
    async with running.serving(BESIDE.model_id) as stub:
        await running.in_step(stub)
        with pytest.raises(InvalidInput, match="HEADWATER_ENCODERS_BESIDE") as caught:
            _ = [each async for each in stub.Reindex(pb.ReindexRequest(model=BESIDE.model_id))]
        assert caught.value.field == "model"


async def test_a_rebuild_leaves_it_alone(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "SETTLE_SECONDS", 0.1)
    async with running.serving(BESIDE.model_id) as stub:
        await running.in_step(stub)
        before = (await running.stats(stub)).report.collection
        last = [each async for each in stub.Rebuild(pb.RebuildRequest())][-1]
        assert last.stage == pb.REBUILD_STAGE_DONE
        await running.write("d2", 2, "edited")
        await running.in_step(stub)
        assert (await running.stats(stub)).report.collection == before


async def test_a_tenant_that_is_deleted_goes_from_it_too(running: Running) -> None:
    async with running.serving(BESIDE.model_id) as stub:
        await running.in_step(stub)
        request = pb.DeleteTenantRequest(tenant="acme", report_only=True)
        held = {
            each.remains.place: each.remains.left async for each in stub.DeleteTenant(request) if each.remains.place
        }
        place = f"store of {BESIDE.model_id}"
        assert (held[f"{place} chunks"], held[f"{place} ledger"]) == (1, 1)
        assert (held["store chunks"], held["store ledger"]) == (1, 1)


async def test_what_is_named_no_more_is_dropped_at_the_next_start(running: Running) -> None:
    async with running.serving(BESIDE.model_id) as stub:
        await running.in_step(stub)
    async with running.serving("") as stub, asyncio.timeout(WAIT_SECONDS):
        assert list((await stub.GetStats(pb.GetStatsRequest())).beside) == []
        while any(tables.model for tables in running.store._collections.values()):
            await asyncio.to_thread(lambda: None)


def test_no_encoder_is_named_twice_and_no_crowd(tmp_path: Path) -> None:
    for words, why in (("a, a", "twice"), ("a,b,c,d,e", "at most")):
        with pytest.raises(Misconfigured, match=why):
            _ = Settings(data_dir=tmp_path, encoders_beside=words).beside
    assert Settings(data_dir=tmp_path, encoders_beside=" a , b,").beside == ("a", "b")
