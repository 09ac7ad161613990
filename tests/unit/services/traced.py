"""Six services in this process over engines in memory: the whole of it but feedback, whose Faust needs a broker."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from headwater_client import AsyncClient, ClientSettings
from headwater_embed.bootstrap import build as build_embed
from headwater_embed.settings import Settings as EmbedSettings
from headwater_generate.bootstrap import build as build_generate
from headwater_generate.settings import Settings as GenerateSettings
from headwater_guard.bootstrap import build as build_guard
from headwater_guard.settings import Settings as GuardSettings
from headwater_index.bootstrap import build as build_index
from headwater_index.settings import Settings as IndexSettings
from headwater_ingest.bootstrap import build as build_ingest
from headwater_ingest.settings import Settings as IngestSettings
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import DOCUMENTS, INDEXED
from headwater_kit.codec.events import decode
from headwater_kit.core.documents import Position
from headwater_kit.core.events import DocumentIndexed
from headwater_kit.runtime import Service
from headwater_retrieve.bootstrap import build as build_retrieve
from headwater_retrieve.settings import Settings as RetrieveSettings
from headwater_vectors.memory import MemoryStore


class TracedPlatform:
    """The services, started each after those that it calls."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.bus, self.store = MemoryBus(), MemoryStore()
        self._folder = folder
        self._settings = settings
        self._ports: dict[str, int] = {}

    async def start(self, stack: AsyncExitStack) -> None:
        common: dict[str, Any] = {"bus": "memory", "grpc_port": 0, "metrics_port": 0, "drain_seconds": 2.0}
        common |= {"encoder": "hash-words", "vectors": "memory", "data_dir": self._folder, "embed_disk_cache_mb": 0}
        common |= {"ingest_cutter": "direct", "ingest_cache": "memory", "ingest_objects": "memory"}
        common |= {"generate_min_score": 0.0, **self._settings}
        shared: dict[str, Any] = {"bus": self.bus}
        stored: dict[str, Any] = {"bus": self.bus, "store": self.store}
        await self._begin(stack, "embed", build_embed(EmbedSettings(**common), **shared))
        await self._begin(stack, "index", build_index(IndexSettings(**common, **self.targets), **stored))
        await self._begin(stack, "guard", build_guard(GuardSettings(**common), **shared))
        await self._begin(stack, "retrieve", build_retrieve(RetrieveSettings(**common, **self.targets), **stored))
        await self._begin(stack, "generate", build_generate(GenerateSettings(**common, **self.targets), **shared))
        await self._begin(stack, "ingest", build_ingest(IngestSettings(**common), **shared))

    @property
    def targets(self) -> Mapping[str, str]:
        """Where those are that have started."""
        return {f"{name}_target": f"127.0.0.1:{port}" for name, port in self._ports.items()}

    def client(self) -> AsyncClient:
        """Of all of them."""
        return AsyncClient(ClientSettings(**self.targets))  # type: ignore[arg-type]

    def produce(self, key: str, value: bytes | None, traceparent: str = "") -> None:
        """A record from outside."""
        headers = {"traceparent": traceparent.encode()} if traceparent else {}
        self.bus.broker.append(Outbound(DOCUMENTS.name, key.encode(), value, headers))

    async def indexed(self, count: int) -> None:
        """Returns when so many events have come to their end."""
        async with asyncio.timeout(120):
            while len(self._ended()) < count:
                await self.bus.broker.wait(0.25)

    def _ended(self) -> set[Position]:
        records = self.bus.broker.records(INDEXED.name)
        return {decode(DocumentIndexed, record.value or b"").provenance.position for record in records}

    async def _begin(self, stack: AsyncExitStack, name: str, service: Service) -> None:
        self._ports[name] = (await stack.enter_async_context(service)).port
