"""Four services that ask for keys, in this process: who asks is who is asked for, over every hop."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from headwater.embed.v1 import embed_pb2
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceStub
from headwater_client import AsyncClient, ClientSettings
from headwater_embed.bootstrap import build as build_embed
from headwater_embed.settings import Settings as EmbedSettings
from headwater_generate.bootstrap import build as build_generate
from headwater_generate.settings import Settings as GenerateSettings
from headwater_guard.bootstrap import build as build_guard
from headwater_guard.settings import Settings as GuardSettings
from headwater_kit.auth.api_keys import new_key
from headwater_kit.auth.carried import Signer
from headwater_kit.auth.naming import MAX_NAMES_BYTES
from headwater_kit.bus import topics
from headwater_kit.bus.credentials import outbound
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.codec.events import decode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.credentials import TenantStanding
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Principal, chunk_id, text_hash
from headwater_kit.core.errors import Denied, NotFound, Suspended, Unauthenticated
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import ImpressionRecorded
from headwater_kit.core.roles import Role
from headwater_kit.rpc import connect
from headwater_kit.rpc.identity import CarryingIdentity
from headwater_kit.settings import CallerSettings
from headwater_kit.testing.issuing import write_peer
from headwater_retrieve.bootstrap import build as build_retrieve
from headwater_retrieve.settings import Settings as RetrieveSettings
from headwater_text.analysis import analyse
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import ChunkRow, LedgerRow, Model
from pydantic import SecretStr

TEXT = "The ferry to Skarholm leaves from pier seven at noon."
QUESTION = "Where does the ferry to Skarholm leave?"
CLOCK = SystemClock()


class World:
    """The services, the keys of their callers, which are there before them, and one document of acme's."""

    def __init__(self, folder: Path) -> None:
        self.bus, self.store = MemoryBus(), MemoryStore()
        self.signers = {name: Signer(name, write_peer(folder / "peers", name), CLOCK) for name in ("generate", "index")}
        write_peer(folder / "peers", "retrieve")
        self._folder = folder
        self.ports: dict[str, int] = {}
        holders = (("acme", Role.READER), ("acme", Role.PRODUCER), ("globex", Role.READER))
        self._keys = {holder: self._new_key(*holder) for holder in holders}

    async def start(self, stack: AsyncExitStack) -> None:
        """Starts them, each after those that it calls."""
        common: dict[str, Any] = {"bus": "memory", "grpc_port": 0, "metrics_port": 0, "auth": "api-key"}
        common |= {"peer_keys": self._folder / "peers", "data_dir": self._folder, "drain_seconds": 2.0}
        embed = build_embed(EmbedSettings(encoder="hash-words", **common), bus=self.bus)
        self.ports["embed"] = (await stack.enter_async_context(embed)).port
        guard = build_guard(GuardSettings(**common), bus=self.bus)
        self.ports["guard"] = (await stack.enter_async_context(guard)).port
        await self._store_text()
        told = RetrieveSettings(
            vectors="memory", embed_target=self.target("embed"), peer_key=self._folder / "retrieve.key", **common
        )
        retrieve = build_retrieve(told, bus=self.bus, store=self.store)
        self.ports["retrieve"] = (await stack.enter_async_context(retrieve)).port
        targets = {f"{name}_target": self.target(name) for name in self.ports}
        asking = GenerateSettings(peer_key=self._folder / "generate.key", generate_min_score=0.0, **targets, **common)
        self.ports["generate"] = (await stack.enter_async_context(build_generate(asking, bus=self.bus))).port

    def target(self, name: str) -> str:
        """A service's address."""
        return f"127.0.0.1:{self.ports[name]}"

    def client(self, tenant: str, role: Role) -> AsyncClient:
        """A caller with a key."""
        targets = {f"{name}_target": self.target(name) for name in ("retrieve", "generate")}
        return AsyncClient(ClientSettings(api_key=SecretStr(self._keys[tenant, role]), **targets))

    async def records(self, topic: topics.Topic, count: int) -> list[Record]:
        """The first records of a topic, as soon as there are so many."""
        reader, found = self.bus.reader(topic.name), []
        while len(found) < count:
            found += await reader.poll(10, 1.0)
        return found

    def _new_key(self, tenant: str, role: Role) -> str:
        shown, kept = new_key(Principal(tenant, "ann", ("board",), frozenset({role})), CLOCK.now())
        self.bus.broker.append(outbound(kept))
        return shown

    async def _store_text(self) -> None:
        async with connect(
            self.target("embed"), CallerSettings(), CarryingIdentity(self.signers["index"].token)
        ) as own:
            request = embed_pb2.EmbedRequest(texts=[TEXT], kind=embed_pb2.TEXT_KIND_PASSAGE)
            embedded = await EmbedServiceStub(own).Embed(request)
        key = DocumentKey("acme", "ferry")
        chunk = Chunk(chunk_id(key, 1, 0), 0, TEXT, (), 0, len(TEXT), 1, text_hash(TEXT))
        await self.store.open()
        await self.store.adopt(Model(embedded.model_id, embedded.dimension))
        await self.store.upsert([ChunkRow(key, 1, chunk, DocumentInfo(), embedded.vectors[0], analyse(TEXT))])
        await self.store.switch(LedgerRow(key, 1, deleted=False, chunk_count=1))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    async with AsyncExitStack() as stack:
        await world.start(stack)
        yield world


async def answer_of(client: AsyncClient) -> AnswerGenerated:
    pieces = [piece async for piece in client.questions.ask(QUESTION)]
    assert isinstance(pieces[-1], AnswerGenerated)
    return pieces[-1]


async def search_for_ever(client: AsyncClient) -> None:
    """Each service reads for itself of what was said, within milliseconds."""
    while True:
        await client.questions.search(QUESTION)


async def test_an_answer_is_made_in_the_name_of_who_asked_and_of_nobody_else(world: World) -> None:
    async with world.client("acme", Role.READER) as ann, world.client("globex", Role.READER) as stranger:
        found = await ann.questions.search(QUESTION)
        assert ([passage.document_id for passage in found.passages], found.missing_legs) == (["ferry"], ())
        answer = await answer_of(ann)
        assert (answer.tenant, answer.user, answer.text.count("pier seven")) == ("acme", "ann", 1)
        assert (await stranger.questions.search(QUESTION)).passages == ()
        assert "pier seven" not in (await answer_of(stranger)).text
        with pytest.raises(NotFound):
            await stranger.questions.receipt(answer.answer_id)
    shown = [decode(ImpressionRecorded, one.value or b"") for one in await world.records(topics.IMPRESSIONS, 4)]
    assert sorted((one.tenant, one.user, len(one.items)) for one in shown) == [
        ("acme", "ann", 1),
        ("acme", "ann", 1),
        ("globex", "ann", 0),
        ("globex", "ann", 0),
    ]


async def test_whoever_is_let_in_is_carried_on_however_long_the_names_of_its_groups(world: World) -> None:
    groups = tuple(sorted(f"{'小组' * 26}{number:02}" for number in range(64)))
    shown, kept = new_key(Principal("acme", "ann", groups, frozenset({Role.READER})), CLOCK.now())
    assert 10_000 < sum(len(group.encode()) for group in groups) < MAX_NAMES_BYTES
    world.bus.broker.append(outbound(kept))
    targets = {f"{name}_target": world.target(name) for name in ("retrieve", "generate")}
    async with AsyncClient(ClientSettings(api_key=SecretStr(shown), **targets)) as ann:
        while True:
            try:
                answer = await answer_of(ann)
                break
            except Unauthenticated:
                # The key is read within milliseconds.
                await CLOCK.sleep(0.01)
    assert (answer.user, answer.text.count("pier seven")) == ("ann", 1)


async def test_who_may_not_ask_is_not_carried_either(world: World) -> None:
    async with world.client("acme", Role.PRODUCER) as writer:
        with pytest.raises(Denied, match="reader"):
            await answer_of(writer)


async def test_a_question_by_event_is_answered_as_a_reader_of_its_tenant(world: World) -> None:
    question = json.dumps({"text": QUESTION, "tenant": "acme", "user": "eve"}).encode()
    await world.bus.producer().send(Outbound(topics.QUESTIONS.name, b"q", question))
    (record,) = await world.records(topics.ANSWERS, 1)
    answer = decode(AnswerGenerated, record.value or b"")
    assert (answer.tenant, answer.user, answer.question_id) == ("acme", "eve", "q")
    assert "pier seven" in answer.text


async def test_a_question_of_a_suspended_tenant_is_put_aside_and_its_calls_are_refused(world: World) -> None:
    async with world.client("acme", Role.READER) as ann:
        await ann.questions.search(QUESTION)
        world.bus.broker.append(outbound(TenantStanding("acme", suspended=True, change_time=1.0)))
        with pytest.raises(Suspended):
            await search_for_ever(ann)
        question = json.dumps({"text": QUESTION, "tenant": "acme"}).encode()
        await world.bus.producer().send(Outbound(topics.QUESTIONS.name, b"q", question))
        letters = topics.TOPICS[topics.dead_letter(topics.QUESTIONS.name, "generate")]
        (letter,) = await world.records(letters, 1)
        assert letter.headers["headwater-dead-letter-reason"] == b"TENANT_SUSPENDED"
        with pytest.raises(Suspended):
            await answer_of(ann)


async def test_a_service_for_itself_may_embed_and_nothing_else(world: World) -> None:
    own = CarryingIdentity(world.signers["index"].token)
    async with connect(world.target("embed"), CallerSettings(), own) as channel:
        models = await EmbedServiceStub(channel).ListModels(embed_pb2.ListModelsRequest())
        assert any(model.served for model in models.models)
    from headwater.retrieve.v1 import retrieve_pb2
    from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceStub

    async with connect(world.target("retrieve"), CallerSettings(), own) as channel:
        with pytest.raises(Denied, match="reader"):
            await RetrieveServiceStub(channel).Search(retrieve_pb2.SearchRequest(query=QUESTION))
