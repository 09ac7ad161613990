"""The whole service over gRPC, on the in-memory bus and store."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from headwater.documents.v1 import documents_pb2
from headwater.events.v1 import events_pb2
from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceStub
from headwater_kit.bus import topics
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import (
    Chunk,
    DocumentInfo,
    DocumentKey,
    Position,
    chunk_id,
    text_hash,
)
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentIndexed, Outcome, Provenance
from headwater_kit.core.learning import ClickMemory, ModelPublished, PassageVotes
from headwater_kit.rpc.status import from_status
from headwater_kit.runtime import Service
from headwater_retrieve.adapters.memory import WordEncoder, WordReranker
from headwater_retrieve.bootstrap import build
from headwater_retrieve.settings import Settings
from headwater_text.analysis import analyse
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import ChunkRow, LedgerRow, Model

TEXTS = {"lists": "A list grows by over-allocating.", "dicts": "A dict keeps its insertion order."}


class World:
    """The service and what stands around it."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.store = MemoryStore()
        self.encoder = WordEncoder()
        self.reranker = WordReranker()
        settings = Settings(bus="memory", vectors="memory", grpc_port=0, retrieve_learn_share=0.0)
        self.service: Service = build(
            settings, bus=self.bus, store=self.store, encoder=self.encoder, reranker=self.reranker
        )

    async def fill(self) -> None:
        """Stores the texts, one chunk each."""
        await self.store.open()
        await self.store.adopt(Model(WordEncoder.model_id, WordEncoder.dimension))
        for name, text in TEXTS.items():
            key = DocumentKey("default", name)
            chunk = Chunk(chunk_id(key, 1, 0), 0, text, (), 0, len(text), 1, text_hash(text))
            row = ChunkRow(key, 1, chunk, DocumentInfo(), self.encoder.vector(text), analyse(text))
            await self.store.upsert([row])
            await self.store.switch(LedgerRow(key, 1, deleted=False, chunk_count=1))

    async def produce(self, topic: str, key: bytes, value: bytes | None, partition: int = 0) -> None:
        """Puts a record on the bus."""
        await self.bus.producer().send(Outbound(topic, key, value, {}, partition))

    async def indexed(self, name: str, offset: int, outcome: Outcome, version: int) -> None:
        """Announces what the index did."""
        provenance = Provenance(Position(0, offset), 1.0, outcome, version)
        event = DocumentIndexed(provenance, 2.0, 0 if outcome is Outcome.DELETED else version)
        await self.produce(topics.INDEXED.name, DocumentKey("default", name).to_bytes(), encode(event))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.fill()
    async with world.service:
        yield world


@pytest.fixture
async def stub(world: World) -> AsyncIterator[RetrieveServiceStub]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{world.service.port}") as channel:
        yield RetrieveServiceStub(channel)


async def test_a_search_returns_passages_and_leaves_an_impression(world: World, stub: RetrieveServiceStub) -> None:
    response = await stub.Search(retrieve_pb2.SearchRequest(query="how does a list grow?", impression_id="i1"))
    assert response.passages[0].document_id == "lists"
    assert response.passages[0].parts.HasField("lexical")
    assert response.impression_id == "i1"
    (record,) = await world.bus.reader(topics.IMPRESSIONS.name).poll(10, 1.0)
    impression = events_pb2.ImpressionRecorded.FromString(record.value or b"")
    assert (record.key, impression.tenant, impression.items[0].document_id) == (b"i1", "default", "lists")


async def test_the_tenant_comes_from_the_credential(stub: RetrieveServiceStub) -> None:
    request = retrieve_pb2.SearchRequest(query="list")
    response = await stub.Search(request, metadata=(("headwater-tenant", "other"),))
    assert len(response.passages) == 0


async def test_variants_are_searched_beside_the_query(stub: RetrieveServiceStub) -> None:
    plain = await stub.Search(retrieve_pb2.SearchRequest(query="insertion order"))
    variants = [
        retrieve_pb2.Variant(text="how a list grows", weight=2.0),
        retrieve_pb2.Variant(text="A list grows by over-allocating.", hypothetical=True),
        retrieve_pb2.Variant(text="insertion order"),
    ]
    request = retrieve_pb2.SearchRequest(query="insertion order", variants=variants)
    response = await stub.Search(request)
    assert list(response.searched) == [variant.text for variant in variants[:2]]
    assert (list(response.left_out), list(plain.searched)) == ([], [])
    assert (plain.passages[0].document_id, response.passages[0].document_id) == ("dicts", "lists")


async def test_an_expanded_query_says_what_was_made_of_it(stub: RetrieveServiceStub) -> None:
    response = await stub.Search(retrieve_pb2.SearchRequest(query="what is the insertion order?", expand=True))
    assert list(response.searched) == ["insertion order"]
    assert response.passages[0].document_id == "dicts"


async def test_a_bad_variant_is_named(stub: RetrieveServiceStub) -> None:
    request = retrieve_pb2.SearchRequest(query="list", variants=[retrieve_pb2.Variant(text=" ")])
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.Search(request)
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "variants[0].text" in str(refusal.value.details())


async def test_a_search_waits_for_what_was_written(world: World, stub: RetrieveServiceStub) -> None:
    freshness = documents_pb2.Freshness(
        min_positions=[documents_pb2.SourcePosition(partition=0, offset=3)], wait_ms=5_000
    )
    searching = asyncio.ensure_future(stub.Search(retrieve_pb2.SearchRequest(query="list", freshness=freshness)))
    await world.indexed("dicts", 3, Outcome.DELETED, 1)
    response = await searching
    assert [(p.partition, p.offset) for p in response.watermark.positions] == [(0, 3)]
    # The store still holds it here; what indexed.v1 reports as deleted is not shown all the same.
    assert "dicts" not in [passage.document_id for passage in response.passages]
    watermark = (await stub.GetWatermark(retrieve_pb2.GetWatermarkRequest())).watermark
    assert watermark.positions[0].offset == 3


async def test_too_early_is_not_yet_and_says_how_far_behind(stub: RetrieveServiceStub) -> None:
    freshness = documents_pb2.Freshness(min_positions=[documents_pb2.SourcePosition(partition=0, offset=3)], wait_ms=1)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.Search(retrieve_pb2.SearchRequest(query="list", freshness=freshness))
    assert refusal.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "4 records behind" in (refusal.value.details() or "")


async def test_the_watermark_says_how_far_the_index_is_behind(world: World, stub: RetrieveServiceStub) -> None:
    for number in range(3):
        await world.produce(topics.DOCUMENTS.name, f"d{number}".encode(), b"text")
    await world.indexed("lists", 0, Outcome.UPSERTED, 1)
    async with asyncio.timeout(10):
        while not (told := await stub.GetWatermark(retrieve_pb2.GetWatermarkRequest())).watermark.positions:
            await asyncio.sleep(0)
    assert told.lag == 2
    assert told.staleness_ms > 0


async def test_a_search_that_must_not_be_stale_is_told_so(world: World, stub: RetrieveServiceStub) -> None:
    fresh = retrieve_pb2.SearchRequest(query="list", freshness=documents_pb2.Freshness(max_staleness_ms=0, wait_ms=1))
    await stub.Search(fresh)
    await world.produce(topics.DOCUMENTS.name, b"new", b"text")
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.Search(fresh)
    assert refusal.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "1 records behind" in (refusal.value.details() or "")
    fresh.freshness.max_staleness_ms = 60_000
    await stub.Search(fresh)
    await world.indexed("dicts", 0, Outcome.UPSERTED, 1)
    fresh.freshness.max_staleness_ms, fresh.freshness.wait_ms = 0, 5_000
    await stub.Search(fresh)


async def test_bad_input_names_the_field(stub: RetrieveServiceStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.Search(retrieve_pb2.SearchRequest(query=" "))
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "query" in (refusal.value.details() or "")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (retrieve_pb2.SearchRequest(query="x" * 100_000), "query"),
        (retrieve_pb2.SearchRequest(query="a", top_k=1_000_000), "top_k"),
        (retrieve_pb2.SearchRequest(query="a", top_k=-1), "top_k"),
        (retrieve_pb2.SearchRequest(query="a", folding=99), "folding"),  # type: ignore[arg-type]
        (retrieve_pb2.SearchRequest(query="a", passage_characters=1), "passage_characters"),
        (retrieve_pb2.SearchRequest(query="a", diversity=float("nan")), "diversity"),
        (retrieve_pb2.SearchRequest(query="a", facets=["a"] * 17), "facets"),
        (retrieve_pb2.SearchRequest(query="a", cursor="AAAA"), "cursor"),
        (retrieve_pb2.SearchRequest(query="a", recency=retrieve_pb2.Recency(field="seen")), "recency.half_life_days"),
        (retrieve_pb2.SearchRequest(query="a", filter=documents_pb2.Filter()), "filter"),
    ],
)
async def test_each_bad_request_is_refused_by_its_field(
    stub: RetrieveServiceStub, request_: retrieve_pb2.SearchRequest, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.Search(request_)
    error = refusal.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    told = from_status(error.code(), error.details() or "", tuple(error.trailing_metadata()), "retrieve")
    assert isinstance(told, InvalidInput)
    assert told.field == field


@pytest.mark.parametrize(("depth", "field"), [(16, ""), (17, "filter"), (60, "filter"), (2_000, "request")])
async def test_a_filter_of_any_depth_is_taken_or_refused_by_its_field(world: World, depth: int, field: str) -> None:
    nested = documents_pb2.Filter(exists=documents_pb2.Existence(field="a")).SerializeToString()
    for _ in range(depth - 1):
        nested = _field(3, nested)
    request = retrieve_pb2.SearchRequest(query="list").SerializeToString() + _field(3, nested)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{world.service.port}") as channel:
        search = channel.unary_unary("/headwater.retrieve.v1.RetrieveService/Search")
        if not field:
            await search(request)
            return
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await search(request)
    error = refusal.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    told = from_status(error.code(), error.details() or "", tuple(error.trailing_metadata()), "retrieve")
    assert isinstance(told, InvalidInput)
    assert told.field.startswith(field)


def _field(number: int, raw: bytes) -> bytes:
    """A message as a field of another, as protobuf writes it."""
    length, size = b"", len(raw)
    while size >= 0x80:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + raw


async def test_a_list_comes_in_pieces(stub: RetrieveServiceStub) -> None:
    search = retrieve_pb2.SearchRequest(query="list order", highlight=True, facets=["title"])
    whole = await stub.Search(search)
    pieces = [piece async for piece in stub.StreamSearch(retrieve_pb2.StreamSearchRequest(search=search))]
    assert [piece.passage for piece in pieces[:-1]] == list(whole.passages)
    assert whole.passages[0].presentation.highlights
    summary = pieces[-1].summary
    assert (len(summary.passages), summary.facets, summary.candidates) == (0, whole.facets, whole.candidates)
    assert summary.impression_id not in ("", whole.impression_id)


async def test_several_searches_come_back_each_and_one_that_is_wrong_ends_no_other(
    world: World, stub: RetrieveServiceStub
) -> None:
    freshness = documents_pb2.Freshness(min_positions=[documents_pb2.SourcePosition(offset=7)], wait_ms=1)
    searches = [
        retrieve_pb2.SearchRequest(query="list"),
        retrieve_pb2.SearchRequest(query=" "),
        retrieve_pb2.SearchRequest(query="dict", top_k=1),
        retrieve_pb2.SearchRequest(query="dict", freshness=freshness),
    ]
    batch = retrieve_pb2.BatchSearchRequest(searches=searches)
    results = {result.search: result async for result in stub.BatchSearch(batch)}
    assert sorted(results) == [0, 1, 2, 3]
    assert results[0].found.passages[0].document_id == "lists"
    assert len(results[2].found.passages) == 1
    assert (results[1].failure.code, results[1].failure.field) == ("INVALID_ARGUMENT", "query")
    assert (results[3].failure.code, results[3].failure.reason) == ("FAILED_PRECONDITION", "NOT_YET")
    assert len(await world.bus.reader(topics.IMPRESSIONS.name).poll(10, 1.0)) == 2


@pytest.mark.parametrize("count", [0, 33])
async def test_a_batch_is_bounded(stub: RetrieveServiceStub, count: int) -> None:
    batch = retrieve_pb2.BatchSearchRequest(searches=[retrieve_pb2.SearchRequest(query="a")] * count)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.BatchSearch(batch).read()
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "searches" in (refusal.value.details() or "")


async def test_a_kept_list_goes_with_the_next_change(world: World, stub: RetrieveServiceStub) -> None:
    search = retrieve_pb2.SearchRequest(query="list order")
    first = await stub.Search(search)
    assert (await stub.Search(search)).passages == first.passages
    await world.store.switch(LedgerRow(DocumentKey("default", "dicts"), 2, deleted=True, chunk_count=0))
    await world.indexed("dicts", 3, Outcome.DELETED, 2)
    search.freshness.min_positions.add(partition=0, offset=3)
    assert [passage.document_id for passage in (await stub.Search(search)).passages] == ["lists"]


async def test_the_click_memory_is_loaded_and_withdrawn(world: World, stub: RetrieveServiceStub) -> None:
    query = retrieve_pb2.SearchRequest(query="a list keeps growing")
    votes = (PassageVotes("dicts", text_hash(TEXTS["dicts"]), up=9, down=0),)
    memory = ClickMemory("default", "c", world.encoder.vector(query.query), WordEncoder.model_id, votes)
    await world.produce(topics.MODELS.name, b"not decodable", b"\xff\xff")
    await world.produce(topics.MODELS.name, b"default\x1fmemory\x1fc", encode(ModelPublished(memory, 1.0)))
    boosted = await _until(stub, query, boosted=True)
    assert boosted.passages[0].parts.memory > 0
    await world.produce(topics.MODELS.name, b"default\x1fmemory\x1fc", None)
    await _until(stub, query, boosted=False)


async def test_without_the_encoder_words_alone_answer(world: World, stub: RetrieveServiceStub) -> None:
    world.encoder.away = True
    response = await stub.Search(retrieve_pb2.SearchRequest(query="insertion order"))
    assert [passage.document_id for passage in response.passages] == ["dicts"]
    assert list(response.missing_legs) == ["dense"]


async def test_a_broker_that_is_away_ends_no_search(world: World, stub: RetrieveServiceStub) -> None:
    world.bus.away()
    response = await stub.Search(retrieve_pb2.SearchRequest(query="list"), timeout=5)
    assert response.passages
    world.bus.back()


async def test_a_search_is_explained_where_it_asks_for_that(world: World, stub: RetrieveServiceStub) -> None:
    request = retrieve_pb2.SearchRequest(query="how does a list grow?", cascade=retrieve_pb2.CASCADE_ON)
    assert not (await stub.Search(request)).stages
    request.explain = True
    found = await stub.Search(request)
    stages = {stage.stage: stage for stage in found.stages}
    assert (stages["fusion"].ran, stages["rerank"].ran, stages["rerank"].figures["read"]) == (True, True, 2)
    assert 0.0 < stages["fusion"].figures["dense_share"] < 1.0
    assert [each.chunk_id for each in found.standings] == [each.chunk.chunk_id for each in found.passages]
    for passage, standing in zip(found.passages, found.standings, strict=True):
        gains = standing.rerank_gain + standing.memory_gain
        assert passage.score == pytest.approx(standing.fused + gains)
        assert passage.parts.HasField("rerank")
    assert (found.standings[0].dense_rank, found.standings[0].lexical_rank) == (1, 1)


async def test_by_default_no_reranker_is_asked(world: World, stub: RetrieveServiceStub) -> None:
    found = await stub.Search(retrieve_pb2.SearchRequest(query="how does a list grow?", explain=True))
    assert world.reranker.asked == []
    assert found.stages[-1].reason == "off"
    assert not found.passages[0].parts.HasField("rerank")


async def test_a_cascade_that_is_none_is_refused(stub: RetrieveServiceStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await stub.Search(retrieve_pb2.SearchRequest(query="list", cascade=9))  # type: ignore[arg-type]
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "cascade" in (refusal.value.details() or "")


async def _until(
    stub: RetrieveServiceStub, query: retrieve_pb2.SearchRequest, *, boosted: bool
) -> retrieve_pb2.SearchResponse:
    async with asyncio.timeout(10):
        while True:
            response = await stub.Search(query)
            if any(passage.parts.HasField("memory") for passage in response.passages) is boosted:
                return response
