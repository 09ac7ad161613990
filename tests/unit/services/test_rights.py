"""Six services, each with its own rights on the bus and no others: what they have is enough for a document's way."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
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
from headwater_kit.bus.topics import DOCUMENTS, GOLD
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Denied
from headwater_kit.testing.limited import LimitedBus
from headwater_retrieve.bootstrap import build as build_retrieve
from headwater_retrieve.settings import Settings as RetrieveSettings
from headwater_vectors.memory import MemoryStore

TEXT = "The ferry to Skarholm leaves from pier seven at noon."
QUESTION = "Where does the ferry to Skarholm leave?"
OPERATOR = "acme"


@asynccontextmanager
async def platform(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    bus, store = MemoryBus(), MemoryStore()
    common: dict[str, Any] = {"grpc_port": 0, "metrics_port": 0, "drain_seconds": 2.0, "audit": "buffered"}

    def told(name: str) -> dict[str, Any]:
        return {**common, "data_dir": tmp_path / name, **{f"{peer}_target": at for peer, at in targets.items()}}

    targets: dict[str, str] = {}
    async with AsyncExitStack() as stack:

        async def start(name: str, service: Any) -> None:
            targets[name] = f"127.0.0.1:{(await stack.enter_async_context(service)).port}"

        def limited(name: str) -> LimitedBus:
            return LimitedBus(bus, name)

        await start("embed", build_embed(EmbedSettings(encoder="hash-words", **told("embed")), bus=limited("embed")))
        await start("guard", build_guard(GuardSettings(**told("guard")), bus=limited("guard")))
        cutting = IngestSettings(encoder="hash-words", ingest_cutter="direct", **told("ingest"))
        await start("ingest", build_ingest(cutting, bus=limited("ingest")))
        indexing = IndexSettings(vectors="memory", index_operator_tenant=OPERATOR, **told("index"))
        await start("index", build_index(indexing, bus=limited("index"), store=store))
        searching = RetrieveSettings(vectors="memory", **told("retrieve"))
        await start("retrieve", build_retrieve(searching, bus=limited("retrieve"), store=store))
        asking = GenerateSettings(generate_min_score=0.0, **told("generate"))
        await start("generate", build_generate(asking, bus=limited("generate")))
        callers = {f"{name}_target": at for name, at in targets.items() if name not in {"embed", "guard"}}
        caller = AsyncClient(ClientSettings(**callers), Principal(OPERATOR, "ann"))
        yield caller
        await caller.close()


async def test_a_document_is_written_found_told_of_and_deleted(tmp_path: Path) -> None:
    async with platform(tmp_path) as client:
        await _used(client)


async def _used(client: AsyncClient) -> None:
    written = await client.documents.upsert("ferry", TEXT)
    found = await client.questions.search(QUESTION, min_positions=[written])
    assert [passage.chunk.text for passage in found.passages] == [TEXT]
    answered = [event async for event in client.questions.ask(QUESTION)]
    assert "pier seven" in repr(answered[-1])
    await client.documents.delete("ferry")


async def test_what_is_not_allowed_is_refused() -> None:
    bus = LimitedBus(MemoryBus(), "retrieve")
    with pytest.raises(Denied):
        await bus.producer().send(Outbound(DOCUMENTS.name, b"key", b"value"))
    with pytest.raises(Denied):
        await bus.reader(DOCUMENTS.name).poll(1, 0.0)
    with pytest.raises(Denied):
        bus.consumer("ingest")
    with pytest.raises(Denied):
        await bus.create_topics([GOLD.name])
