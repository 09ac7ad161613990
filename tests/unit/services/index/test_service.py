"""The service as wired, over the in-process bus and store and a loopback port."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio
import pytest
from headwater.events.v1 import reindexes_pb2
from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceStub
from headwater_index.bootstrap import build
from headwater_index.handlers import rebuilding, reindexing
from headwater_index.settings import Settings
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import EMBEDDINGS, EMBEDDINGS_BACKFILL, INDEXED, dead_letter
from headwater_kit.codec import events
from headwater_kit.core.documents import DocumentKey, Lane, Principal, document_of, part_key
from headwater_kit.core.errors import Denied, Permanent
from headwater_kit.core.events import DocumentEmbedded, DocumentIndexed, Outcome
from headwater_kit.rpc.metadata import principal_to_metadata
from headwater_kit.testing.service import serving
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import Model
from headwater_vectors.testing.samples import MODEL
from unit.services.index.world import World, dump

if TYPE_CHECKING:
    from headwater.index.v1.index_pb2_grpc import IndexServiceAsyncStub

READ_SECONDS = 5.0
KEY = DocumentKey("default", "a")
NEXT = Model("next-model", 16)
Part = Callable[..., DocumentEmbedded]


@pytest.fixture
async def bus() -> MemoryBus:
    bus = MemoryBus()
    await bus.create_topics([EMBEDDINGS.name, EMBEDDINGS_BACKFILL.name, INDEXED.name])
    return bus


@pytest.fixture
async def channel(bus: MemoryBus) -> AsyncIterator[grpc.aio.Channel]:
    settings = Settings(bus="memory", vectors="memory", grpc_port=0, drain_seconds=5.0)
    async with serving(build(settings, bus=bus, store=MemoryStore()), settings) as channel:
        yield channel


@pytest.fixture
async def operated(
    bus: MemoryBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[grpc.aio.Channel, World]]:
    """The service for operators of tenant `default`, and a world on its bus and store."""
    for changing in (rebuilding, reindexing):
        monkeypatch.setattr(changing, "SETTLE_SECONDS", 0.1)
    world = World(MemoryStore())
    world.use(bus)
    world.encoder.models[NEXT.model_id] = NEXT
    settings = Settings(
        bus="memory",
        vectors="memory",
        grpc_port=0,
        drain_seconds=5.0,
        data_dir=tmp_path,
        index_operator_tenant="default",
        index_reindex_grace_seconds=2.0,
    )
    async with serving(build(settings, bus=bus, store=world.store, encoder=world.encoder), settings) as channel:
        yield channel, world


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> "IndexServiceAsyncStub":
    return IndexServiceStub(channel)


async def read(bus: MemoryBus, topic: str, count: int) -> list[Record]:
    reader = bus.reader(topic)
    found: list[Record] = []
    async with asyncio.timeout(READ_SECONDS):
        while len(found) < count:
            found += await reader.poll(count, READ_SECONDS)
    return found


async def test_embeddings_become_indexed_in_the_same_partition_and_order(
    channel: grpc.aio.Channel, bus: MemoryBus, stub: "IndexServiceAsyncStub", part: Part
) -> None:
    producer = bus.producer()
    for each in (
        part(1, "one", "two", key=KEY),
        part(2, "three", part=0, parts=2, key=KEY),
        part(2, "four", part=1, parts=2, key=KEY),
        part(3, outcome=Outcome.DELETED, key=KEY),
        part(4, "five", key=KEY),
    ):
        await producer.send(Outbound(EMBEDDINGS.name, KEY.to_bytes(), events.encode(each), partition=3))
    records = await read(bus, INDEXED.name, 4)
    assert {(record.partition, record.key) for record in records} == {(3, KEY.to_bytes())}
    indexed = [events.decode(DocumentIndexed, record.value or b"") for record in records]
    assert [(each.provenance.position.offset, each.serving_version) for each in indexed] == [
        (1, 1), (2, 2), (3, 0), (4, 4)
    ]  # fmt: skip
    stats = await stub.GetStats(pb.GetStatsRequest())
    assert (stats.chunk_count, stats.document_count, stats.model_id) == (1, 1, "sample-model")
    assert [(each.partition, each.offset) for each in stats.watermark.positions] == [(2, 4)]


async def test_parts_have_keys_of_their_own_and_each_lane_a_topic_and_a_key(
    channel: grpc.aio.Channel, bus: MemoryBus, part: Part
) -> None:
    producer = bus.producer()
    deferred = part(1, outcome=Outcome.DEFERRED, key=KEY)
    bulk = [part(1, text, part=number, parts=2, key=KEY, lane=Lane.BACKFILL) for number, text in enumerate(("a", "b"))]
    await producer.send(Outbound(EMBEDDINGS.name, part_key(KEY, None), events.encode(deferred), partition=1))
    await producer.send(Outbound(EMBEDDINGS_BACKFILL.name, part_key(KEY, 2), None, partition=1))
    for number, each in enumerate(bulk):
        await producer.send(Outbound(EMBEDDINGS_BACKFILL.name, part_key(KEY, number), events.encode(each), partition=1))
    records = await read(bus, INDEXED.name, 2)
    found = {record.key: events.decode(DocumentIndexed, record.value or b"") for record in records}
    assert found[KEY.to_bytes()].provenance.outcome is Outcome.DEFERRED
    served = found[part_key(KEY, None)]
    assert (served.provenance.lane, served.serving_version, served.chunk_count) == (Lane.BACKFILL, 1, 2)
    assert document_of(part_key(KEY, None)) == KEY


async def test_bad_records_are_put_aside_and_their_neighbours_pass(
    channel: grpc.aio.Channel, bus: MemoryBus, part: Part
) -> None:
    producer = bus.producer()
    no_vectors = DocumentEmbedded(part(1, "lost", key=KEY).chunked, (), "sample-model")
    for key, value in (
        (KEY.to_bytes(), b"\xff"),
        (None, events.encode(part(1, "nobody's"))),
        (KEY.to_bytes(), events.encode(no_vectors)),
        (KEY.to_bytes(), events.encode(part(2, "fine", key=KEY))),
    ):
        await producer.send(Outbound(EMBEDDINGS.name, key, value, partition=0))
    indexed = [events.decode(DocumentIndexed, each.value or b"") for each in await read(bus, INDEXED.name, 2)]
    assert [each.provenance.outcome for each in indexed] == [Outcome.REJECTED, Outcome.UPSERTED]
    assert indexed[1].serving_version == 2
    letters = await read(bus, dead_letter(EMBEDDINGS.name, "index"), 3)
    reasons = {letter.headers["headwater-dead-letter-reason"] for letter in letters}
    assert reasons == {b"UNDECODABLE", b"MISSING_KEY", b"INVALID_VECTORS"}


async def test_an_operator_compares_repairs_and_rebuilds(operated: tuple[grpc.aio.Channel, World]) -> None:
    channel, world = operated
    stub = IndexServiceStub(channel)
    await world.write("a", 1, "apple", "pear", tenant="acme")
    await world.write("b", 1, "apple", tenant="default")
    before = await dump(world.store)
    await world.store.erase([before[0][0].row_id], [])
    found = [each async for each in stub.Reconcile(pb.ReconcileRequest(repair=True)) if each.HasField("drift")]
    assert [(each.drift.tenant, each.drift.documents) for each in found] == [("acme", 1), ("default", 1)]
    assert sum(each.drift.missing for each in found) == sum(each.drift.repaired for each in found) == 1
    assert await dump(world.store) == before
    last = [each async for each in stub.Rebuild(pb.RebuildRequest())][-1]
    assert (last.stage, last.collection) == (pb.REBUILD_STAGE_DONE, "memory_n1")
    assert await dump(world.store) == before
    joined = [each async for each in stub.Rebuild(pb.RebuildRequest(join_only=True))]
    assert [each.stage for each in joined] == [pb.REBUILD_STAGE_DONE]


async def test_an_operator_changes_the_model_and_back(bus: MemoryBus, operated: tuple[grpc.aio.Channel, World]) -> None:
    channel, world = operated
    stub = IndexServiceStub(channel)
    for number in range(3):
        key = DocumentKey("default", f"d{number}")
        await world.accept(key, 1, "apple", "pear")
    await read(bus, INDEXED.name, 3)
    *_, ready = [each.status async for each in stub.Reindex(pb.ReindexRequest(model=NEXT.model_id))]
    assert (ready.report.stage, ready.report.done) == (reindexes_pb2.REINDEX_STAGE_READY, 3)
    with pytest.raises(Permanent) as refused:
        await stub.PromoteReindex(pb.PromoteReindexRequest())
    assert refused.value.reason == "BELOW_GATE"
    asked = [pb.JudgedQuery(tenant="default", text="pear", relevant={"d1": 1})] * 20
    judged = (await stub.JudgeReindex(pb.JudgeReindexRequest(queries=asked))).status.judgement
    assert (judged.queries, judged.judged, judged.incumbent_ndcg) == (20, 20, pytest.approx(judged.challenger_ndcg))
    promoted = (await stub.PromoteReindex(pb.PromoteReindexRequest())).status.report
    assert promoted.stage == reindexes_pb2.REINDEX_STAGE_PROMOTED
    stats = await stub.GetStats(pb.GetStatsRequest())
    assert (stats.collection, stats.model_id, stats.document_count) == ("memory_n1", NEXT.model_id, 3)
    await stub.RollbackReindex(pb.RollbackReindexRequest())
    assert (await stub.GetStats(pb.GetStatsRequest())).model_id == MODEL.model_id
    await stub.CancelReindex(pb.CancelReindexRequest())
    assert await world.store.spare() == []
    ended = (await stub.GetReindex(pb.GetReindexRequest())).status.report
    assert ended.stage == reindexes_pb2.REINDEX_STAGE_CANCELLED


async def test_only_operators_change_the_model(operated: tuple[grpc.aio.Channel, World]) -> None:
    channel, _ = operated
    stub, acme = IndexServiceStub(channel), principal_to_metadata(Principal("acme", "eve"))
    with pytest.raises(Denied):
        _ = [each async for each in stub.Reindex(pb.ReindexRequest(model="x"), metadata=acme)]
    for call in (
        stub.GetReindex(pb.GetReindexRequest(), metadata=acme),
        stub.JudgeReindex(pb.JudgeReindexRequest(), metadata=acme),
        stub.PromoteReindex(pb.PromoteReindexRequest(), metadata=acme),
        stub.RollbackReindex(pb.RollbackReindexRequest(), metadata=acme),
        stub.CancelReindex(pb.CancelReindexRequest(), metadata=acme),
    ):
        with pytest.raises(Denied):
            await call


async def test_others_compare_their_own_tenant_only(operated: tuple[grpc.aio.Channel, World]) -> None:
    channel, world = operated
    stub = IndexServiceStub(channel)
    await world.write("a", 1, "apple", tenant="acme")
    await world.write("b", 1, "apple", tenant="other")
    acme = principal_to_metadata(Principal("acme", "eve"))
    own = [each async for each in stub.Reconcile(pb.ReconcileRequest(tenant="acme"), metadata=acme)]
    assert [each.drift.tenant for each in own if each.HasField("drift")] == ["acme"]
    for call in (
        stub.Reconcile(pb.ReconcileRequest(), metadata=acme),
        stub.Reconcile(pb.ReconcileRequest(tenant="other"), metadata=acme),
        stub.Rebuild(pb.RebuildRequest(), metadata=acme),
    ):
        with pytest.raises(Denied):
            _ = [each async for each in call]


async def test_nobody_operates_unless_a_setting_says_who(channel: grpc.aio.Channel) -> None:
    with pytest.raises(Denied):
        _ = [each async for each in IndexServiceStub(channel).Rebuild(pb.RebuildRequest())]


async def test_a_rebuild_that_was_cut_off_goes_on_after_a_restart(
    bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "SETTLE_SECONDS", 0.1)
    world = World(MemoryStore())
    world.use(bus)
    await world.open()
    await world.write("a", 1, "apple")
    before = await dump(world.store)
    await (await world.store.shadow("n1")).adopt(MODEL)
    settings = Settings(bus="memory", vectors="memory", grpc_port=0, drain_seconds=5.0, index_operator_tenant="default")
    async with (
        serving(build(settings, bus=bus, store=world.store), settings) as channel,
        asyncio.timeout(4 * READ_SECONDS),
    ):
        stages = {pb.REBUILD_STAGE_UNSPECIFIED}
        while pb.REBUILD_STAGE_DONE not in stages:
            joined = IndexServiceStub(channel).Rebuild(pb.RebuildRequest(join_only=True))
            stages = {each.stage async for each in joined}
    await world.store.open()
    assert await world.store.spare() == []
    assert await dump(world.store) == before
