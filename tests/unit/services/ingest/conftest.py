"""The whole event path on the in-process bus."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeVar

import grpc.aio
import pytest
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_ingest.bootstrap import build
from headwater_ingest.settings import Settings
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS, INDEXED, LEDGER, PARTITIONS, dead_letter
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.documents import DocumentKey, Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentChunked, DocumentIndexed, LedgerEntry, Provenance
from headwater_kit.testing.service import serving

T = TypeVar("T")
READ_SECONDS = 10.0
DEAD_LETTERS = dead_letter(DOCUMENTS.name, "ingest")


class Log:
    """The topics around ingest, as a producer and a reader see them."""

    def __init__(self, bus: MemoryBus) -> None:
        self.bus = bus
        self._producer = bus.producer()

    async def write(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Mapping[str, bytes] | None = None,
        partition: int | None = None,
    ) -> Position:
        """Produces to `documents.v1`; by default to the key's own partition."""
        if partition is None:
            partition = self.home(key)
        ack = await self._producer.send(Outbound(DOCUMENTS.name, key, value, dict(headers or {}), partition))
        return Position(ack.partition, ack.offset)

    def home(self, key: bytes | None) -> int:
        """The partition of a raw key's document; 0 for what is no document's key."""
        try:
            return partition_of(DocumentKey.from_bytes(key).to_bytes(), PARTITIONS)
        except InvalidInput:
            return 0

    async def outcome(self, position: Position) -> list[DocumentChunked]:
        """The chain of the event at `position`, once it is whole."""

        def whole() -> list[DocumentChunked]:
            parts = [part for part in self.chunked() if part.provenance.position == position]
            return parts if parts and len(parts) >= parts[0].parts else []

        return await self.until(whole)

    async def until(self, look: Callable[[], T]) -> T:
        """What `look` sees, once that is something."""
        async with asyncio.timeout(READ_SECONDS):
            while not (seen := look()):
                await self.bus.broker.wait(READ_SECONDS)
        return seen

    def chunked(self) -> list[DocumentChunked]:
        """All of `chunks.v1` but what takes parts away."""
        return [decode(DocumentChunked, record.value) for record in self.records(CHUNKS.name) if record.value]

    def ledger(self, key: DocumentKey) -> list[LedgerEntry]:
        """The entries of `ledger.v1` for the key."""
        values = [record.value for record in self.records(LEDGER.name) if record.key == key.to_bytes()]
        return [decode(LedgerEntry, value or b"") for value in values]

    def dead_letters(self) -> list[Record]:
        """What ingest put aside."""
        return self.records(DEAD_LETTERS)

    async def index(self, key: DocumentKey, provenance: Provenance) -> None:
        """Announces on `indexed.v1` what the index would."""
        value = encode(DocumentIndexed(provenance, 0.0, provenance.version))
        await self._producer.send(
            Outbound(INDEXED.name, key.to_bytes(), value, partition=provenance.position.partition)
        )

    def records(self, topic: str) -> list[Record]:
        """All records of a topic, now."""
        return self.bus.broker.records(topic)


@pytest.fixture
def settings() -> Settings:
    return Settings(
        encoder="hash-words",
        bus="memory",
        grpc_port=0,
        metrics_port=0,
        ingest_cutter="direct",
        ingest_cache="memory",
        ingest_objects="memory",
        ingest_max_document_bytes=10 * 1024 * 1024,
        drain_seconds=5.0,
    )


@pytest.fixture
async def bus() -> MemoryBus:
    bus = MemoryBus()
    await bus.create_topics([DOCUMENTS.name, CHUNKS.name, LEDGER.name, INDEXED.name, DEAD_LETTERS])
    return bus


@pytest.fixture
async def log(bus: MemoryBus) -> Log:
    return Log(bus)


@pytest.fixture
async def channel(settings: Settings, bus: MemoryBus) -> AsyncIterator[grpc.aio.Channel]:
    async with serving(build(settings, bus=bus), settings) as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> IngestServiceStub:
    return IngestServiceStub(channel)
