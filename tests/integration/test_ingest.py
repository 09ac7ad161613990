"""Ingest on a real broker: documents in, chunks out, across restarts."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_ingest.bootstrap import build
from headwater_ingest.settings import Settings
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Bus, Outbound, Reader
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS
from headwater_kit.codec.events import decode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import Position
from headwater_kit.core.events import DocumentChunked, Outcome
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


class Chain:
    """Reads what comes to `chunks.v1` from now on: other tests leave records of their own there."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.parts: list[DocumentChunked] = []

    @classmethod
    async def from_now(cls, bus: Bus) -> "Chain":
        probe = bus.reader(CHUNKS.name)
        ends = await probe.end_offsets()
        await probe.close()
        return cls(bus.reader(CHUNKS.name, ends))

    async def until(self, enough: Callable[[Sequence[DocumentChunked]], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not enough(self.parts):
                records = await self._reader.poll(1000, 0.5)
                self.parts += [decode(DocumentChunked, record.value or b"") for record in records]

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
