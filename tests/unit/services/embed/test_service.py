"""The service as wired, over the in-process bus and a loopback port."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio
import pytest
from headwater.embed.v1 import embed_pb2 as pb
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceStub
from headwater_embed.adapters.vectors_file import VectorsFile
from headwater_embed.bootstrap import build
from headwater_embed.domain import Embedding, cache_key
from headwater_embed.settings import Settings
from headwater_inference.registry import USER_FILE
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.reindexes import outbound
from headwater_kit.bus.topics import CHUNKS, CHUNKS_BACKFILL, EMBEDDINGS, EMBEDDINGS_BACKFILL, dead_letter
from headwater_kit.codec import events
from headwater_kit.core.documents import Chunk, DocumentKey, Position, part_key, text_hash
from headwater_kit.core.errors import InvalidInput, NotFound, Unavailable
from headwater_kit.core.events import DocumentChunked, DocumentEmbedded, Outcome, Provenance
from headwater_kit.core.reindexes import ReindexTarget, ReindexWished
from headwater_kit.testing.service import serving

if TYPE_CHECKING:
    from headwater.embed.v1.embed_pb2_grpc import EmbedServiceAsyncStub

READ_SECONDS = 5.0
KEY = DocumentKey("default", "document")
ADDED = """
[[models]]
name = "added"
runtime = "hash"
source = "me"
licence = "MIT"
dimension = 8
max_tokens = 32
pooling = "sum"
normalisation = "l2"
precision = "float32"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        encoder="hash-words", bus="memory", grpc_port=0, embed_workers=2, drain_seconds=5.0, data_dir=tmp_path
    )


@pytest.fixture
async def bus() -> MemoryBus:
    bus = MemoryBus()
    await bus.create_topics([CHUNKS.name, EMBEDDINGS.name, CHUNKS_BACKFILL.name, EMBEDDINGS_BACKFILL.name])
    return bus


@pytest.fixture
async def channel(settings: Settings, bus: MemoryBus) -> AsyncIterator[grpc.aio.Channel]:
    async with serving(build(settings, bus=bus), settings) as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> "EmbedServiceAsyncStub":
    return EmbedServiceStub(channel)


def chunked(offset: int, *texts: str, outcome: Outcome = Outcome.UPSERTED) -> bytes:
    chunks = tuple(Chunk(f"{i:032x}", i, text, (), 0, len(text), 1, text_hash(text)) for i, text in enumerate(texts))
    provenance = Provenance(Position(3, offset), 1.0, outcome, version=1)
    return events.encode(DocumentChunked(provenance, chunk_count=len(chunks), chunks=chunks))


async def read(bus: MemoryBus, topic: str, count: int) -> list[Record]:
    reader = bus.reader(topic)
    found: list[Record] = []
    async with asyncio.timeout(READ_SECONDS):
        while len(found) < count:
            found += await reader.poll(count, READ_SECONDS)
    return found


async def test_chunks_become_embeddings_in_the_same_partition_and_order(
    channel: grpc.aio.Channel, bus: MemoryBus
) -> None:
    producer = bus.producer()
    values = [chunked(0, "one", "two"), chunked(1, outcome=Outcome.DELETED), chunked(2, "three")]
    for value in values:
        await producer.send(Outbound(CHUNKS.name, b"document", value, partition=3))
    records = await read(bus, EMBEDDINGS.name, 3)
    assert [(record.partition, record.key) for record in records] == [(3, b"document")] * 3
    embedded = [events.decode(DocumentEmbedded, record.value or b"") for record in records]
    assert [events.encode(each.chunked) for each in embedded] == values
    assert [len(each.vectors) for each in embedded] == [2, 0, 1]


async def test_a_lane_goes_its_own_way_with_what_takes_parts_away(channel: grpc.aio.Channel, bus: MemoryBus) -> None:
    producer = bus.producer()
    position = {"headwater-position": b"3/0/1", "other": b"header"}
    await producer.send(Outbound(CHUNKS_BACKFILL.name, part_key(KEY, 0), chunked(0, "one"), position, partition=3))
    await producer.send(Outbound(CHUNKS_BACKFILL.name, part_key(KEY, 1), None, partition=3))
    records = await read(bus, EMBEDDINGS_BACKFILL.name, 2)
    assert [(record.partition, record.key) for record in records] == [(3, part_key(KEY, 0)), (3, part_key(KEY, 1))]
    assert (records[0].headers["headwater-position"], records[1].value) == (b"3/0/1", None)
    assert "other" not in records[0].headers


async def test_garbage_is_put_aside_and_its_neighbours_pass(channel: grpc.aio.Channel, bus: MemoryBus) -> None:
    producer = bus.producer()
    for value in (b"\xff\xff", chunked(2, "fine")):
        await producer.send(Outbound(CHUNKS.name, b"document", value, partition=0))
    (record,) = await read(bus, EMBEDDINGS.name, 1)
    assert events.decode(DocumentEmbedded, record.value or b"").chunked.provenance.position.offset == 2
    (letter,) = await read(bus, dead_letter(CHUNKS.name, "embed"), 1)
    assert (letter.value, letter.headers["headwater-dead-letter-reason"]) == (b"\xff\xff", b"UNDECODABLE")


async def test_texts_are_embedded_by_call(stub: "EmbedServiceAsyncStub") -> None:
    request = pb.EmbedRequest(texts=["short", "word " * 1_000], kind=pb.TEXT_KIND_PASSAGE)
    response = await stub.Embed(request)
    assert [len(vector) for vector in response.vectors] == [4 * response.dimension] * 2
    assert list(response.truncated) == [1]
    listed = await stub.ListModels(pb.ListModelsRequest())
    assert response.model_id == listed.models[0].model_id
    assert listed.models[0].name == "hash-words"


async def test_a_passage_by_event_and_by_call_is_the_same_vector(stub: "EmbedServiceAsyncStub", bus: MemoryBus) -> None:
    await bus.producer().send(Outbound(CHUNKS.name, b"document", chunked(0, "same text"), partition=0))
    (record,) = await read(bus, EMBEDDINGS.name, 1)
    response = await stub.Embed(pb.EmbedRequest(texts=["same text"], kind=pb.TEXT_KIND_PASSAGE))
    assert events.decode(DocumentEmbedded, record.value or b"").vectors == tuple(response.vectors)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.EmbedRequest(texts=["a", "b", "c", ""], kind=pb.TEXT_KIND_QUERY), "texts[3]"),
        (pb.EmbedRequest(kind=pb.TEXT_KIND_QUERY), "texts"),
        (pb.EmbedRequest(texts=["a"]), "kind"),
    ],
)
async def test_faults_come_back_with_their_field(
    stub: "EmbedServiceAsyncStub", request_: pb.EmbedRequest, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await stub.Embed(request_)
    assert refused.value.field == field


async def test_an_unknown_model_is_not_found(stub: "EmbedServiceAsyncStub") -> None:
    with pytest.raises(NotFound):
        await stub.Embed(pb.EmbedRequest(texts=["a"], kind=pb.TEXT_KIND_QUERY, model_id="other"))


async def test_a_model_that_is_added_while_it_runs_can_be_changed_to(settings: Settings, bus: MemoryBus) -> None:
    settings = settings.model_copy(update={"model_dir": settings.data_dir / "models"})
    async with serving(build(settings, bus=bus), settings) as channel:
        (settings.data_dir / "models").mkdir()
        (settings.data_dir / "models" / USER_FILE).write_text(ADDED)
        stub = EmbedServiceStub(channel)
        listed = await stub.ListModels(pb.ListModelsRequest())
        (added,) = (model for model in listed.models if model.name == "added")
        wish = ReindexWished("1", ReindexTarget.READY, added.model_id, added.dimension, 0.0)
        await bus.producer().send(outbound(wish))
        request = pb.EmbedRequest(texts=["a"], kind=pb.TEXT_KIND_PASSAGE, model_id=added.model_id)
        async with asyncio.timeout(READ_SECONDS):
            while True:
                with suppress(NotFound, Unavailable):
                    assert (await stub.Embed(request)).dimension == 8
                    return


async def test_a_restart_finds_the_vectors_of_the_process_before(settings: Settings, bus: MemoryBus) -> None:
    request = pb.EmbedRequest(texts=["kept"], kind=pb.TEXT_KIND_PASSAGE)
    async with serving(build(settings, bus=bus), settings) as channel:
        before = await EmbedServiceStub(channel).Embed(request)
    path = settings.data_dir / "embed" / "vectors.sqlite3"
    key = cache_key(before.model_id, "kept")
    assert set(await asyncio.to_thread(_read, path, key)) == {key}
    async with serving(build(settings, bus=bus), settings) as channel:
        assert await EmbedServiceStub(channel).Embed(request) == before


def _read(path: Path, key: str) -> Mapping[str, Embedding]:
    file = VectorsFile(path, 1024 * 1024)
    file.open()
    found = file.read([key])
    file.close()
    return found


async def test_without_room_on_disk_no_file_is_made(settings: Settings, bus: MemoryBus) -> None:
    settings = settings.model_copy(update={"embed_disk_cache_mb": 0})
    async with serving(build(settings, bus=bus), settings) as channel:
        await EmbedServiceStub(channel).Embed(pb.EmbedRequest(texts=["a"], kind=pb.TEXT_KIND_PASSAGE))
    assert list(settings.data_dir.iterdir()) == []
