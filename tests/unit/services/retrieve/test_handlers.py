"""Searching on in-memory adapters: freshness, legs, walls, memory, impression."""

import asyncio
import itertools
from dataclasses import replace

import pytest
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import (
    Chunk,
    DocumentInfo,
    DocumentKey,
    Freshness,
    Position,
    Principal,
    chunk_id,
    embedding_text,
    text_hash,
)
from headwater_kit.core.errors import NotYet, Overloaded, Unavailable
from headwater_kit.core.filters import Compare, Operator
from headwater_kit.core.learning import ClickMemory, PassageVotes, ServingPolicy
from headwater_kit.core.pseudonyms import Pseudonyms
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.adapters.memory import ImpressionList, ListedScripts, TimedLog, WordEncoder, WordReranker
from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from headwater_retrieve.domain.learned import LearnedModels
from headwater_retrieve.domain.memory import Memory, MemoryPolicy
from headwater_retrieve.domain.policy import LearningPolicy
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import Reliability
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.handlers import (
    Companions,
    Found,
    Impressing,
    IndexProgress,
    LearnedRanking,
    PresentationPolicy,
    Presenting,
    RankedList,
    Ranker,
    Reranking,
    RerankPolicy,
    Search,
    SearchPolicy,
    ShownVectors,
)
from headwater_retrieve.ports import Legs, QueryVector, StoreQuery
from headwater_text.analysis import analyse
from headwater_text.highlights import find_terms
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import ChunkRow, LedgerRow, Model

ADA = Principal("acme", "ada")
# Of lists that are drawn by chance, `test_learning` says what holds.
NOTHING_DRAWN = SearchPolicy(learning=LearningPolicy(learn_share=0.0))


class Bench:
    """A search with everything around it at hand."""

    def __init__(
        self,
        encoder: WordEncoder | None = None,
        policy: SearchPolicy | None = None,
        presentation: PresentationPolicy | None = None,
        cache_bytes: int = 0,
        reliability: Reliability | None = None,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.encoder = encoder or WordEncoder()
        self.impressions = ImpressionList()
        self.watermark = Watermark()
        self.changes = RecentChanges(self.clock)
        self.memory, self.models = Memory(MemoryPolicy()), LearnedModels()
        self.reranker = WordReranker()
        reranking = Reranking(self.reranker, self.clock, RerankPolicy(margin=100.0))
        learned = LearnedRanking(analyse, self.clock)
        self.results: ResultCache[RankedList] = ResultCache(self.clock, cache_bytes, 60.0)
        numbers = itertools.count(1)
        self.search = Search(
            self.store,
            self.encoder,
            analyse,
            Impressing(self.impressions, self.clock, pseudonyms, ShownVectors(self.store, {ServingPolicy.LEARN})),
            ranker=Ranker(reliability or Reliability(), [learned, reranking], clock=self.clock),
            progress=IndexProgress(self.watermark, TimedLog(), self.clock),
            changes=self.changes,
            memory=self.memory,
            models=self.models,
            clock=self.clock,
            new_id=lambda: f"impression-{next(numbers)}",
            policy=policy or NOTHING_DRAWN,
            presenting=Presenting(self.store, analyse, find_terms, self.clock, presentation),
            results=self.results,
            beside=Companions((), self.encoder, ListedScripts({}), self.store, clock=self.clock, seconds=1.0),
        )

    async def add(
        self,
        document_id: str,
        text: str,
        tenant: str = "acme",
        version: int = 1,
        readers: tuple[str, ...] = (),
        **metadata: str,
    ) -> None:
        """Stores a document of one chunk and makes it visible."""
        key = DocumentKey(tenant, document_id)
        info = DocumentInfo(title=document_id, metadata=metadata, readers=readers)
        full = embedding_text(info.title, (), text)
        chunk = Chunk(chunk_id(key, version, 0), 0, text, (), 0, len(text), len(text.split()), text_hash(full))
        row = ChunkRow(key, version, chunk, info, self.encoder.vector(full), analyse(full))
        await self.store.upsert([row])
        await self.store.switch(LedgerRow(key, version, deleted=False, chunk_count=1))

    async def ask(self, query: Query, principal: Principal = ADA, seconds: float = 10.0) -> Found:
        """Searches with so much time."""
        return await self.search.search(query, principal, Deadline.after(self.clock, seconds))


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.store.open()
    await bench.store.adopt(Model(WordEncoder.model_id, WordEncoder.dimension))
    await bench.add("lists", "A list grows by over-allocating its array.")
    await bench.add("dicts", "A dict keeps insertion order.")
    await bench.add("tuples", "A tuple cannot change.")
    return bench


def names(found: Found) -> list[str]:
    return [passage.document_id for passage in found.passages]


async def test_the_best_passage_comes_first_with_rank_and_parts(bench: Bench) -> None:
    found = await bench.ask(Query("how does a list grow?"))
    first = found.passages[0]
    assert (first.document_id, first.rank) == ("lists", 1)
    assert first.parts.dense is not None
    assert first.parts.lexical is not None
    assert [passage.rank for passage in found.passages] == list(range(1, len(found.passages) + 1))
    assert found.ranked.missing_legs == ()


async def test_no_more_than_asked_for(bench: Bench) -> None:
    assert len((await bench.ask(Query("a list", top_k=1))).passages) == 1


async def test_without_the_encoder_words_alone_answer_and_that_is_said(bench: Bench) -> None:
    bench.encoder.away = True
    found = await bench.ask(Query("insertion order of a dict"))
    assert names(found) == ["dicts"]
    assert found.ranked.missing_legs == ("dense",)
    assert found.passages[0].parts.dense is None


class SlowEncoder(WordEncoder):
    """Takes a second for each query."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        await self.clock.sleep(1.0)
        return await super().encode(text, model_id, deadline)


@pytest.fixture
async def slow() -> Bench:
    encoder = SlowEncoder()
    bench = Bench(encoder, SearchPolicy(at_once=1))
    encoder.clock = bench.clock
    await bench.store.open()
    return bench


async def test_more_searches_than_can_be_answered_in_time_are_refused_at_once(slow: Bench) -> None:
    first = asyncio.create_task(slow.ask(Query("a list")))
    await slow.clock.advance(1.0)
    await first
    searches = [asyncio.create_task(slow.ask(Query("a list"))) for _ in range(20)]
    await slow.clock.settle()
    refused = [search for search in searches if search.done()]
    assert [type(search.exception()) for search in refused] == [Overloaded] * 15
    await slow.clock.advance(5.0)
    assert all(search.done() for search in searches)


async def test_who_waits_for_the_index_takes_nobodys_turn(slow: Bench) -> None:
    fresh = Query("a list", freshness=Freshness((Position(0, 5),), wait_ms=5_000))
    waiting, other = (asyncio.create_task(slow.ask(query)) for query in (fresh, Query("a list")))
    await slow.clock.advance(1.0)
    assert (waiting.done(), other.done()) == (False, True)
    slow.watermark.advance(Position(0, 5), slow.clock.now())
    await slow.clock.advance(1.0)
    assert waiting.done()


async def test_another_models_vectors_are_not_searched_with(bench: Bench) -> None:
    shadow = await bench.store.shadow("next")
    await shadow.adopt(Model("other", WordEncoder.dimension))
    await bench.store.promote("next")
    await bench.add("dicts", "A dict keeps insertion order.")
    found = await bench.ask(Query("insertion order of a dict"))
    assert found.ranked.missing_legs == ("dense",)
    assert names(found) == ["dicts"]


async def test_a_query_is_encoded_again_where_another_models_collection_is_put_in_place() -> None:
    encoder = Overtaken()
    bench = encoder.bench = Bench(encoder)
    await bench.store.open()
    await bench.store.adopt(Model(WordEncoder.model_id, WordEncoder.dimension))
    shadow = await bench.store.shadow("next")
    await shadow.adopt(Model("other", WordEncoder.dimension))
    found = await bench.ask(Query("insertion order of a dict"))
    assert encoder.asked == [WordEncoder.model_id, "other"]
    assert (names(found), found.ranked.missing_legs) == (["dicts"], ())
    assert bench.impressions.impressions[0].model_id == "other"


class Overtaken(WordEncoder):
    """While it encodes for the first time, a collection of another model is promoted."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        self.asked.append(model_id)
        if len(self.asked) == 1:
            await self.bench.store.promote("next")
            await self.bench.add("dicts", "A dict keeps insertion order.")
        return QueryVector(self.vector(text), model_id)


async def test_an_encoder_that_is_blind_for_the_query_is_not_asked(bench: Bench) -> None:
    await bench.add("game", "战国无双三是由光荣开发的")
    found = await bench.ask(Query("战国无双是由谁开发的"))
    assert names(found) == ["game"]
    assert found.ranked.missing_legs == ()
    assert bench.encoder.calls == 0
    assert bench.impressions.impressions[0].query_vector == b""


async def test_the_store_being_away_is_told(bench: Bench) -> None:
    await bench.store.close()
    with pytest.raises(Unavailable):
        await bench.ask(Query("list"))


async def test_a_document_is_there_for_its_readers_alone(bench: Bench) -> None:
    await bench.add("wages", "How a list of wages grows.", readers=("group:board", "user:cem"))
    question = Query("how does a list grow?")
    for asker, expected in (
        (ADA, False),
        (Principal("acme"), False),
        (Principal("acme", "eve", ("staff",)), False),
        (Principal("acme", "eve", ("board", "staff")), True),
        (Principal("acme", "cem"), True),
        (Principal("other", "cem", ("board",)), False),
    ):
        assert ("wages" in names(await bench.ask(question, asker))) == expected, asker
    shown = {item.document_id for impression in bench.impressions.impressions[:3] for item in impression.items}
    assert shown == {"lists", "dicts", "tuples"}


async def test_a_store_that_forgets_readers_is_not_trusted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.add("wages", "How a list of wages grows.", readers=("group:board",))
    search = bench.store.search

    async def forgetful(query: StoreQuery) -> Legs:
        return await search(replace(query, reads_as=None))

    monkeypatch.setattr(bench.store, "search", forgetful)
    assert "wages" not in names(await bench.ask(Query("how does a list of wages grow?")))
    (impression,) = bench.impressions.impressions
    assert "wages" not in {item.document_id for item in impression.items}


async def test_votes_bring_nobody_what_is_not_there_for_him(bench: Bench) -> None:
    await bench.add("wages", "How a list of wages grows.", readers=("group:board",))
    text = "How a list of wages grows."
    votes = (PassageVotes("wages", text_hash(embedding_text("wages", (), text)), 50, 0),)
    centre = bench.encoder.vector("how does a list grow?")
    bench.memory.put(b"k", ClickMemory("acme", "c", centre, WordEncoder.model_id, votes))
    assert "wages" not in names(await bench.ask(Query("how does a list grow?")))


async def test_other_tenants_see_nothing(bench: Bench) -> None:
    assert names(await bench.ask(Query("list"), Principal("other", "eve"))) == []


async def test_filters_restrict_the_documents(bench: Bench) -> None:
    await bench.add("more lists", "Another list grows.", topic="b")
    found = await bench.ask(Query("list grows", filter=Compare("topic", Operator.EQ, "b")))
    assert names(found) == ["more lists"]


async def test_a_write_is_waited_for(bench: Bench) -> None:
    asking = asyncio.create_task(bench.ask(Query("list", freshness=Freshness((Position(0, 5),)))))
    await bench.clock.settle()
    assert not asking.done()
    bench.watermark.advance(Position(0, 5), 0.0)
    found = await asking
    assert found.watermark == (Position(0, 5),)


@pytest.mark.parametrize(("wait_ms", "seconds", "until"), [(0, 10.0, 2.0), (500, 10.0, 0.5), (60_000, 1.0, 0.95)])
async def test_waiting_ends_by_request_default_and_deadline(
    bench: Bench, wait_ms: int, seconds: float, until: float
) -> None:
    query = Query("list", freshness=Freshness((Position(0, 5),), wait_ms))
    asking = asyncio.create_task(bench.ask(query, seconds=seconds))
    await bench.clock.advance(until - 0.01)
    assert not asking.done()
    await bench.clock.advance(0.02)
    with pytest.raises(NotYet) as refusal:
        await asking
    assert refusal.value.lag == 6
    assert bench.impressions.impressions == []


async def test_what_has_been_reported_as_gone_is_not_shown(bench: Bench) -> None:
    bench.changes.note(DocumentKey("acme", "lists"), 2)
    assert "lists" not in names(await bench.ask(Query("list grows")))


async def test_votes_on_a_question_raise_the_passage_for_it(bench: Bench) -> None:
    query = "what is ordered and what can change?"
    before = await bench.ask(Query(query))
    second = before.passages[1]
    votes = (PassageVotes(second.document_id, second.chunk.text_hash, up=5, down=0),)
    vector = bench.impressions.impressions[0].query_vector
    bench.memory.put(b"k", ClickMemory("acme", "c", vector, WordEncoder.model_id, votes))
    after = await bench.ask(Query(query))
    raised = next(passage for passage in after.passages if passage.document_id == second.document_id)
    assert raised.rank < second.rank
    assert raised.parts.memory is not None
    assert raised.score == pytest.approx(second.score + raised.parts.memory)
    assert sorted(names(after)) == sorted(names(before))


async def test_the_impression_tells_what_was_shown(bench: Bench) -> None:
    found = await bench.ask(Query("how does a list grow?", top_k=2, impression_id="answer-1"))
    (impression,) = bench.impressions.impressions
    assert found.impression_id == impression.impression_id == "answer-1"
    assert (impression.tenant, impression.user, impression.query) == ("acme", "ada", "how does a list grow?")
    assert impression.model_id == WordEncoder.model_id
    assert [(i.document_id, i.rank, i.score) for i in impression.items] == [
        (p.document_id, p.rank, p.score) for p in found.passages
    ]
    assert replace(impression, items=()).show_time == bench.clock.now()
    assert not impression.for_answer


async def test_the_impression_tells_that_an_answer_is_to_follow(bench: Bench) -> None:
    await bench.ask(Query("how does a list grow?", impression_id="answer-1", for_answer=True))
    assert bench.impressions.impressions[0].for_answer


async def test_an_id_is_made_where_none_is_given(bench: Bench) -> None:
    assert [(await bench.ask(Query("list"))).impression_id for _ in range(2)] == ["impression-1", "impression-2"]


async def test_nothing_to_find_is_an_empty_list(bench: Bench) -> None:
    bench.encoder.away = True
    assert (await bench.ask(Query("??? !!!"))).passages == ()
