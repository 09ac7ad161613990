"""Ingest on a real broker: documents in, chunks out, across restarts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from headwater.documents.v1.documents_pb2 import Lane
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_cli.platform.flow import Flow
from headwater_ingest.bootstrap import build
from headwater_ingest.settings import Settings
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Bus, Outbound, Reader
from headwater_kit.bus.topics import (
    CHUNKS,
    CHUNKS_BACKFILL,
    DOCUMENTS,
    DOCUMENTS_BACKFILL,
    EMBEDDINGS_BACKFILL,
    INDEXED,
    Topic,
)
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.headers import POSITION, position_to_header
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import DocumentKey, Position, chunk_id, part_key
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.events import DocumentChunked, DocumentIndexed, Outcome
from headwater_kit.testing.service import serving

WAIT_SECONDS = 60.0
MIB = 1024 * 1024


@pytest.fixture
def settings(kafka_bootstrap: str, tmp_path: Path) -> Settings:
    return Settings(
        encoder="hash-words", kafka_bootstrap=kafka_bootstrap, grpc_port=0, metrics_port=0, data_dir=tmp_path
    )


@pytest.fixture
def bus(settings: Settings) -> Bus:
    return open_bus(settings, SystemClock())


async def _ends(reader: Reader) -> Mapping[int, int] | None:
    try:
        return await reader.end_offsets()
    except Unavailable:
        return None


class Chain:
    """Reads what comes to `chunks.v1` from now on: other tests leave records of their own there."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.parts: list[DocumentChunked] = []

    @classmethod
    async def from_now(cls, bus: Bus) -> "Chain":
        return await cls.of_topic(bus, CHUNKS)

    @classmethod
    async def of_topic(cls, bus: Bus, topic: Topic) -> "Chain":
        probe = bus.reader(topic.name)
        async with asyncio.timeout(WAIT_SECONDS):
            # A topic that was made this moment has no leader yet.
            while (ends := await _ends(probe)) is None:
                await asyncio.sleep(0.2)
        await probe.close()
        return cls(bus.reader(topic.name, ends))

    async def until(self, enough: Callable[[Sequence[DocumentChunked]], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not enough(self.parts):
                records = await self._reader.poll(1000, 0.5)
                self.parts += [decode(DocumentChunked, record.value) for record in records if record.value]

    async def of(self, position: Position) -> DocumentChunked:
        await self.until(lambda parts: any(part.provenance.position == position for part in parts))
        return next(part for part in self.parts if part.provenance.position == position)

    async def close(self) -> None:
        await self._reader.close()


async def test_documents_in_chunks_out_across_a_restart(settings: Settings, bus: Bus) -> None:
    await bus.create_topics([DOCUMENTS.name, CHUNKS.name])
    producer, chain = bus.producer(), await Chain.from_now(bus)

    async def write(key: bytes | None, value: bytes | None, partition: int | None = None) -> Position:
        ack = await producer.send(Outbound(DOCUMENTS.name, key, value, {}, partition))
        return Position(ack.partition, ack.offset)

    async with serving(build(settings), settings) as channel:
        stub = IngestServiceStub(channel)
        reply = await stub.UpsertDocument(pb.UpsertDocumentRequest(document_id="call", body=b"by call"))
        called = await chain.of(Position(reply.position.partition, reply.position.offset))
        assert (called.provenance.version, called.chunks[0].text) == (1, "by call")
        bad = await write(None, b"x", 0)
        large = await write(b"large", b"x" * 50 * MIB, 0)
        assert (await chain.of(bad)).provenance.reason == "MISSING_KEY"
        assert (await chain.of(large)).provenance.reason == "TOO_LARGE"
        # Without a partition the key's own hash decides, which is not the document's.
        positions = [await write(f"doc-{i}".encode(), b'{"text": "by event"}') for i in range(20)]
        for position in positions:
            assert (await chain.of(position)).provenance.outcome in {Outcome.UPSERTED, Outcome.REROUTED}
        await chain.until(lambda parts: sum(part.provenance.outcome is Outcome.UPSERTED for part in parts) == 21)

    async with serving(build(settings), settings) as channel:
        stub = IngestServiceStub(channel)
        told = await stub.GetDocument(pb.GetDocumentRequest(document_id="call"))
        assert told.version == 1
        reply = await stub.DeleteDocument(pb.DeleteDocumentRequest(document_id="call"))
        deleted = await chain.of(Position(reply.position.partition, reply.position.offset))
        assert (deleted.provenance.outcome, deleted.provenance.version) == (Outcome.DELETED, 2)
        versions = [part.provenance.version for part in chain.parts if part.provenance.outcome is Outcome.UPSERTED]
        assert versions == [1] * 21
    await chain.close()
    await producer.close()


async def states(stub: IngestServiceStub, document_id: str, count: int) -> list[str]:
    async with asyncio.timeout(WAIT_SECONDS):
        told = aiter(stub.WatchDocument(pb.WatchDocumentRequest(document_id=document_id)))
        return [pb.DocumentState.Name((await anext(told)).state).rpartition("_")[2] for _ in range(count)]


async def test_bulk_waits_for_its_turn_and_is_done_when_it_is_final(settings: Settings, bus: Bus) -> None:
    """The test stands in for embed and index; a large body goes by the object store."""
    await bus.create_topics(
        [topic.name for topic in (DOCUMENTS_BACKFILL, CHUNKS, CHUNKS_BACKFILL, EMBEDDINGS_BACKFILL)]
    )
    settings = settings.model_copy(update={"ingest_backfill_documents": 2})
    producer, live, bulk = bus.producer(), await Chain.from_now(bus), await Chain.of_topic(bus, CHUNKS_BACKFILL)
    flow, body = Flow(settings), b"bulk words in a line\n\n" * 60_000

    async def final(part: DocumentChunked, document_id: str) -> None:
        key = DocumentKey("default", document_id)
        headers = {POSITION: position_to_header(part.provenance.position, part.provenance.version)}
        at = part.provenance.position.partition
        await producer.send(Outbound(EMBEDDINGS_BACKFILL.name, part_key(key, 0), b"", headers, at))
        indexed = encode(DocumentIndexed(part.provenance, 1.0, part.provenance.version))
        await producer.send(Outbound(INDEXED.name, part_key(key, None), indexed, {}, at))

    async with serving(build(settings), settings) as channel:
        stub = IngestServiceStub(channel)
        watching = asyncio.create_task(states(stub, "bulk-0", 4))
        places = []
        for number in range(6):
            request = pb.UpsertDocumentRequest(document_id=f"bulk-{number}", body=body, lane=Lane.LANE_BACKFILL)
            places.append((await stub.UpsertDocument(request)).position)
        seen: set[Position] = set()
        # The last part's first chunk tells of which document it is.
        named = {
            chunk_id(DocumentKey("default", f"bulk-{number}"), 1, ordinal): f"bulk-{number}"
            for number in range(6)
            for ordinal in range(20_000)
        }
        while len(seen) < 6:
            await bulk.until(lambda parts: any(part.is_last and part.provenance.position not in seen for part in parts))
            # No more than there are turns are on their way at once.
            on_the_way = {part.provenance.position for part in bulk.parts} - seen
            assert len(on_the_way) <= 2
            part = next(part for part in bulk.parts if part.is_last and part.provenance.position not in seen)
            assert (await live.of(part.provenance.position)).provenance.outcome is Outcome.DEFERRED
            await final(part, named[part.chunks[0].chunk_id])
            seen.add(part.provenance.position)
        assert await watching == ["ACCEPTED", "CHUNKED", "EMBEDDED", "SEARCHABLE"]
        async with asyncio.timeout(WAIT_SECONDS):
            while not all(
                done.get(place.partition, 0) > place.offset
                for done in [await asyncio.to_thread(flow.committed, "ingest-backfill", DOCUMENTS_BACKFILL.name)]
                for place in places
            ):
                await asyncio.sleep(0.2)
    assert len(list((settings.data_dir / "ingest" / "objects").rglob("*"))) == 2
    for chain in (live, bulk):
        await chain.close()
    await producer.close()
