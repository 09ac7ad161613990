"""Searching the collections of encoders that stand beside the served one."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Principal, chunk_id, text_hash
from headwater_kit.core.errors import NotFound, Unavailable
from headwater_kit.core.filters import Compare, Operator
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.adapters.memory import ImpressionList, ListedScripts, TimedLog, WordEncoder
from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from headwater_retrieve.domain.learned import LearnedModels
from headwater_retrieve.domain.memory import Memory, MemoryPolicy
from headwater_retrieve.domain.policy import LearningPolicy
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import Reliability
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.handlers import (
    Companion,
    Companions,
    Found,
    Impressing,
    IndexProgress,
    Presenting,
    Ranker,
    Search,
    SearchPolicy,
)
from headwater_retrieve.ports import QueryVector
from headwater_text.analysis import analyse
from headwater_text.highlights import find_terms
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import ChunkRow, LedgerRow, Legs, Model
from headwater_vectors.ports import Query as StoreQuery

ALICE = Principal("acme", "alice", ("board",))
SERVED, GRAMS = Model(WordEncoder.model_id, WordEncoder.dimension), Model("grams", 32)
NOTHING_DRAWN = SearchPolicy(learning=LearningPolicy(learn_share=0.0))
ENGLISH, CHINESE = "how does a list grow", "列表 如何 增长"


class TwoEncoders(WordEncoder):
    """The served model's vectors as ever; those of the other by letters, which it has in any script."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: set[str] = set()

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        if model_id in self.lost:
            raise NotFound(f"{model_id} is not served")
        if model_id == GRAMS.model_id:
            self.calls += 1
            return QueryVector(letters(text), model_id)
        return await super().encode(text, model_id, deadline)


def letters(text: str) -> bytes:
    """Packed float32."""
    from array import array

    counts = [0.01] * GRAMS.dimension
    for letter in text:
        counts[ord(letter) % GRAMS.dimension] += letter.isalpha()
    return array("f", counts).tobytes()


class Slow(MemoryStore):
    """A store that can hang, and be away."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.away = False

    async def search(self, query: StoreQuery) -> Legs:
        await self.hangs.wait()
        if self.away:
            raise Unavailable("the store is away")
        return await super().search(query)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        if self.away:
            raise Unavailable("the store is away")
        return await super().ledger(keys)


class World:
    def __init__(self, scripts: Mapping[str, Sequence[str]] | None = None) -> None:
        self.clock = ManualClock()
        self.served, self.beside = Slow(), Slow()
        self.encoder = TwoEncoders()
        self.catalogue = ListedScripts({GRAMS.model_id: ("any",)} if scripts is None else scripts)
        self.changes = RecentChanges(self.clock)
        self.results: ResultCache = ResultCache(self.clock, 1_000_000, 60.0)
        self.search = Search(
            self.served,
            self.encoder,
            analyse,
            Impressing(ImpressionList(), self.clock, None),
            ranker=Ranker(Reliability(), clock=self.clock),
            progress=IndexProgress(Watermark(), TimedLog(), self.clock),
            changes=self.changes,
            memory=Memory(MemoryPolicy()),
            models=LearnedModels(),
            clock=self.clock,
            new_id=lambda: "i",
            policy=NOTHING_DRAWN,
            presenting=Presenting(self.served, analyse, find_terms, self.clock),
            results=self.results,
            beside=Companions(
                [Companion("grams", self.beside)], self.encoder, self.catalogue, self.served,
                clock=self.clock, seconds=2.0,
            ),
        )  # fmt: skip

    async def open(self) -> None:
        for store, model in ((self.served, SERVED), (self.beside, GRAMS)):
            await store.open()
            await store.adopt(model)
        for number in range(12):
            await self.add(f"filler{number}", f"nothing of interest {number} zzz")

    async def add(
        self, name: str, text: str, version: int = 1, *, only: MemoryStore | None = None, tenant: str = "acme",
        readers: tuple[str, ...] = (), **metadata: str,
    ) -> None:  # fmt: skip
        """A document of one chunk, in both collections or in one alone; no text deletes."""
        key = DocumentKey(tenant, name)
        info = DocumentInfo(title=name, metadata=metadata, readers=readers)
        chunk = Chunk(chunk_id(key, version, 0), 0, text, (), 0, len(text), 1, text_hash(text))
        for store, vector in ((self.served, self.encoder.vector(text)), (self.beside, letters(text))):
            if only in (None, store):
                if text:
                    await store.upsert([ChunkRow(key, version, chunk, info, vector, analyse(text))])
                await store.switch(LedgerRow(key, version, deleted=not text, chunk_count=int(bool(text))))

    async def find(self, text: str = ENGLISH, principal: Principal = ALICE, **asked: object) -> Found:
        query = Query(text=text, top_k=20, **asked)  # type: ignore[arg-type]
        return await self.search.search(query, principal, Deadline.after(self.clock, 10.0))


@pytest.fixture
async def world() -> World:
    world = World()
    await world.open()
    return world


def names(found: Found) -> list[str]:
    return [passage.document_id for passage in found.passages]


async def test_an_encoder_that_reads_the_script_finds_what_the_served_one_cannot(world: World) -> None:
    await world.add("list", "列表的增长方式")
    found = await world.find(CHINESE)
    assert names(found)[0] == "list"
    assert found.ranked.missing_legs == ()
    fusion = next(each for each in found.ranked.reports if each.stage == "fusion")
    assert (fusion.figures["share.grams"], "share.served" in fusion.figures) == (1.0, False)
    assert dict(found.standings[0].beside_ranks) == {"grams": 1}
    assert found.passages[0].parts.dense is None


async def test_both_encoders_have_a_say(world: World) -> None:
    await world.add("list", "a list grows by over-allocating")
    found = await world.find()
    assert names(found)[0] == "list"
    fusion = next(each for each in found.ranked.reports if each.stage == "fusion")
    assert fusion.figures["share.served"] + fusion.figures["share.grams"] == pytest.approx(1.0)
    assert found.standings[0].dense_rank > 0


async def test_a_script_that_the_entry_does_not_name_is_not_asked_about() -> None:
    world = World({GRAMS.model_id: ("latin",)})
    await world.open()
    await world.add("list", "列表的增长方式")
    found = await world.find(CHINESE)
    assert world.encoder.calls == 0
    # Blind is not missing.
    assert found.ranked.missing_legs == ()


async def test_a_collection_that_is_not_whole_is_a_missing_leg_and_no_more(world: World) -> None:
    await world.add("list", "a list grows by over-allocating")
    await world.beside.drop()
    found = await world.find()
    assert (names(found)[0], found.ranked.missing_legs) == ("list", ("dense:grams",))
    # Nothing that lacked a leg is kept.
    assert len(world.results) == 0


@pytest.mark.parametrize("fault", ["store", "model", "catalogue"])
async def test_an_encoder_that_fails_is_a_missing_leg_and_no_more(world: World, fault: str) -> None:
    await world.add("list", "a list grows by over-allocating")
    world.beside.away, world.catalogue.away = fault == "store", fault == "catalogue"
    world.encoder.lost = {GRAMS.model_id} if fault == "model" else set()
    found = await world.find()
    assert (names(found)[0], found.ranked.missing_legs) == ("list", ("dense:grams",))


async def test_an_encoder_that_hangs_costs_its_patience_and_no_more(world: World) -> None:
    await world.add("list", "a list grows by over-allocating")
    world.beside.hangs.clear()
    searching = asyncio.ensure_future(world.find())
    await world.clock.advance(1.9)
    assert not searching.done()
    await world.clock.advance(0.2)
    found = await searching
    assert (names(found)[0], found.ranked.missing_legs) == ("list", ("dense:grams",))


async def test_both_legs_away_leave_the_words(world: World) -> None:
    await world.add("list", "a list grows by over-allocating")
    world.encoder.away, world.encoder.lost = True, {GRAMS.model_id}
    found = await world.find()
    assert (names(found)[0], found.ranked.missing_legs) == ("list", ("dense", "dense:grams"))


async def test_where_the_served_store_fails_the_search_does(world: World) -> None:
    world.served.away = True
    with pytest.raises(Unavailable):
        await world.find()


async def test_a_version_that_lags_is_left_out(world: World) -> None:
    await world.add("list", "a list grows by over-allocating")
    await world.add("list", "entirely about xylophones", version=2, only=world.served)
    found = await world.find()
    shown = [passage for passage in found.passages if passage.document_id == "list"]
    assert {passage.version for passage in shown} <= {2}


async def test_a_version_that_runs_ahead_is_left_out(world: World) -> None:
    await world.add("list", "entirely about xylophones")
    await world.add("list", "a list grows by over-allocating", version=2, only=world.beside)
    assert "list" not in {passage.document_id for passage in (await world.find()).passages if passage.version == 2}


async def test_what_the_served_ledger_has_deleted_or_never_had_is_not_shown(world: World) -> None:
    await world.add("list", "a list grows by over-allocating")
    await world.add("list", "", version=2, only=world.served)
    await world.add("ghost", "how does a list grow", only=world.beside)
    assert not {"list", "ghost"} & set(names(await world.find()))


async def test_what_no_ledger_can_tell_of_is_left_out_and_said(world: World) -> None:
    await world.add("list", "列表的增长方式")
    find, ledger = world.served.search, world.served.ledger

    async def fails(_: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        raise Unavailable("just now")

    world.served.ledger = fails  # type: ignore[method-assign]
    found = await world.find("增长")
    assert found.ranked.missing_legs == ("dense:grams",)
    assert (world.served.search, ledger) == (find, ledger)


async def test_other_tenants_readers_and_filters_hold_beside_too(world: World) -> None:
    await world.add("theirs", "列表的增长方式", tenant="globex")
    await world.add("secret", "列表的增长方式", readers=("group:owners",))
    await world.add("open", "列表的增长方式", readers=("group:board",))
    await world.add("tagged", "列表的增长方式", lang="zh")
    assert {"open", "tagged"} <= set(names(await world.find(CHINESE)))
    assert not {"theirs", "secret"} & set(names(await world.find(CHINESE)))
    narrow = Compare("lang", Operator.EQ, "zh")
    assert names(await world.find(CHINESE, filter=narrow)) == ["tagged"]


async def test_nothing_is_left_running_when_the_caller_leaves(world: World) -> None:
    world.beside.hangs.clear()
    searching = asyncio.ensure_future(world.find())
    await asyncio.sleep(0)
    searching.cancel()
    with suppress(asyncio.CancelledError):
        await searching
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
