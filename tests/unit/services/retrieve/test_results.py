"""Lists that are kept: the same answers as without, and nobody else's."""

from collections.abc import Sequence

import pytest
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Freshness, Position, Principal
from headwater_kit.core.events import DocumentIndexed, Outcome, Provenance
from headwater_kit.core.filters import Compare, Operator
from headwater_kit.core.learning import ClickMemory, ModelPublished, PassageVotes
from headwater_kit.core.shape import Folding, Shape
from headwater_kit.core.tenants import TenantClasses
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.adapters.cached import MAX_TEXT_CHARACTERS, CachedEncoder
from headwater_retrieve.adapters.memory import ListedSnapshots, WordEncoder
from headwater_retrieve.domain.policy import LearningPolicy
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import Reliability
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.events import IndexedRecords, ModelRecords
from headwater_retrieve.handlers import Found, SearchPolicy
from headwater_vectors.ports import LedgerRow, Model
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.test_handlers import Bench, names

WORDS = ("apple", "pear", "plum", "fig")
MEGABYTE = 1_000_000
# What is drawn goes by the impression's id, and both worlds count alike.
HALF_DRAWN = SearchPolicy(learning=LearningPolicy(learn_share=0.5))


class World:
    """A search that keeps lists or does not, and the index that tells it of edits."""

    def __init__(self, cache_bytes: int) -> None:
        # Estimated weights go by the searches before, of which one that is answered from the cache is none.
        self.bench = Bench(policy=HALF_DRAWN, cache_bytes=cache_bytes, reliability=Reliability(is_estimated=False))
        bench, classes = self.bench, TenantClasses()
        self.indexed = IndexedRecords(bench.watermark, bench.changes, bench.clock, classes, bench.results)
        self.models = ModelRecords(bench.memory, bench.models, ListedSnapshots(), bench.results)
        self.versions: dict[DocumentKey, int] = {}
        self.offset = -1

    async def open(self) -> None:
        """As a service starts."""
        await self.bench.store.open()
        await self.bench.store.adopt(Model(WordEncoder.model_id, WordEncoder.dimension))

    async def edit(self, tenant: str, name: str, text: str) -> None:
        """Writes a document, or deletes it where there is no text, and tells of it."""
        key = DocumentKey(tenant, name)
        version = self.versions[key] = self.versions.get(key, 0) + 1
        if text:
            await self.bench.add(name, text, tenant, version, kind=text.split(maxsplit=1)[0])
        else:
            await self.bench.store.switch(LedgerRow(key, version, deleted=True, chunk_count=0))
        self.tell(key, version, Outcome.UPSERTED if text else Outcome.DELETED)

    def tell(self, key: DocumentKey, version: int, outcome: Outcome) -> None:
        """As `indexed.v1` does."""
        self.offset += 1
        event = DocumentIndexed(
            Provenance(Position(0, self.offset), 1.0, outcome, version),
            2.0,
            version if outcome is Outcome.UPSERTED else 0,
        )
        value, now = encode(event), self.bench.clock.now()
        self.indexed.apply(Record(topics.INDEXED.name, 0, self.offset, key.to_bytes(), value, {}, now))

    def learn(self, tenant: str, query: str, votes: Sequence[PassageVotes]) -> None:
        """As `models.v1` does."""
        vector = self.bench.encoder.vector(query)
        memory = ClickMemory(tenant, "c", vector, WordEncoder.model_id, tuple(votes))
        value = encode(ModelPublished(memory, 1.0))
        self.models.apply(Record(topics.MODELS.name, 0, 0, f"{tenant}\x1fmemory\x1fc".encode(), value, {}, 0.0))

    async def search(self, tenant: str, query: Query) -> Found:
        """As fresh as everything told so far."""
        fresh = Freshness((Position(0, self.offset),)) if self.offset >= 0 else Freshness()
        asked = Query(query.text, query.top_k, query.filter, fresh, shape=query.shape)
        return await self.bench.ask(asked, Principal(tenant, "ada"))


TENANTS = st.sampled_from(["acme", "other"])
EDITS = st.tuples(TENANTS, st.sampled_from("abcd"), st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join))
QUERIES = st.builds(
    Query,
    st.sampled_from(["apple", "pear plum", "fig"]),
    st.sampled_from([0, 1, 3, 100]),
    st.none() | st.builds(Compare, st.just("kind"), st.just(Operator.EQ), st.sampled_from(WORDS)),
    shape=st.builds(Shape, folding=st.sampled_from(Folding), max_per_document=st.integers(0, 1)),
)
VOTES = st.tuples(TENANTS, st.sampled_from(["apple", "fig"]), st.sampled_from("abcd"))
STEPS = st.lists(EDITS | st.tuples(TENANTS, QUERIES) | VOTES.map(lambda vote: ("vote", *vote)), min_size=4, max_size=24)


def shown(found: Found) -> list[object]:
    return [
        (each.document_id, each.version, each.chunk.text, each.rank, each.score, each.parts) for each in found.passages
    ]


@given(STEPS, st.booleans())
async def test_lists_that_are_kept_are_those_that_would_be_found(steps: list[tuple[object, ...]], alone: bool) -> None:
    kept, plain = World(MEGABYTE), World(0)
    for world in (kept, plain):
        await world.open()
    for step in steps:
        # Another tenant's texts change how rare a word is, and so, a little, the scores of all.
        found = [await _take(world, step, "acme" if alone else "") for world in (kept, plain)]
        if found[0] is not None and found[1] is not None:
            if alone:
                assert shown(found[0]) == shown(found[1])
            if alone or step[1].top_k == 100:  # type: ignore[attr-defined]
                assert set(names(found[0])) == set(names(found[1]))
            assert found[0].watermark == found[1].watermark
    searches = sum(isinstance(step[1], Query) for step in steps)
    # Each search leaves its impression, kept list or not.
    assert len(kept.bench.impressions.impressions) == len(plain.bench.impressions.impressions) == searches


async def _take(world: World, step: tuple[object, ...], only: str) -> Found | None:
    match step:
        case ("vote", str() as tenant, str() as query, str() as name):
            text = "apple"
            votes = [
                PassageVotes(name, each.chunk.text_hash, up=5, down=0)
                for each in await _texts(world, only or tenant, text)
            ]
            world.learn(only or tenant, query, votes)
        case (str() as tenant, Query() as query):
            return await world.search(only or tenant, query)
        case (str() as tenant, str() as name, str() as text):
            await world.edit(only or tenant, name, text)
    return None


async def _texts(world: World, tenant: str, text: str) -> list[object]:
    rows = world.bench.store._tables.rows.values()
    return [row for row in rows if row.key.tenant == tenant and text in row.chunk.text]


@pytest.fixture
async def world() -> World:
    world = World(MEGABYTE)
    await world.open()
    await world.edit("acme", "a", "apple")
    return world


async def test_the_second_search_asks_neither_encoder_nor_store(world: World) -> None:
    first = await world.search("acme", Query("apple"))
    await world.bench.store.open()
    calls = world.bench.encoder.calls
    second = await world.search("acme", Query("apple", top_k=1))
    assert (first.ranked.from_cache, second.ranked.from_cache, world.bench.encoder.calls) == (False, True, calls)
    assert first.impression_id != second.impression_id
    assert world.bench.impressions.impressions[1].query_vector == world.bench.impressions.impressions[0].query_vector


@pytest.mark.parametrize(
    ("tenant", "user", "groups"), [("other", "ada", ()), ("acme", "eve", ()), ("acme", "ada", ("staff",))]
)
async def test_a_list_is_nobody_elses(world: World, tenant: str, user: str, groups: tuple[str, ...]) -> None:
    await world.bench.ask(Query("apple"))
    found = await world.bench.ask(Query("apple"), Principal(tenant, user, groups))
    assert not found.ranked.from_cache
    assert names(found) == (["a"] if tenant == "acme" else [])


async def test_a_change_of_the_tenant_or_of_what_was_learned_drops_its_lists(world: World) -> None:
    await world.search("acme", Query("apple"))
    await world.edit("other", "x", "apple")
    assert (await world.search("acme", Query("apple"))).ranked.from_cache
    await world.edit("acme", "b", "apple")
    assert len(world.bench.results) == 0
    assert names(await world.search("acme", Query("apple"))) in (["a", "b"], ["b", "a"])
    world.learn("acme", "apple", ())
    assert not (await world.search("acme", Query("apple"))).ranked.from_cache


async def test_what_changes_while_it_is_searched_for_is_not_kept(world: World) -> None:
    encode_once = world.bench.encoder.encode

    async def encode(text: str, model_id: str, deadline: Deadline) -> object:
        world.tell(DocumentKey("acme", "a"), 1, Outcome.UPSERTED)
        return await encode_once(text, model_id, deadline)

    world.bench.encoder.encode = encode  # type: ignore[method-assign,assignment]
    await world.bench.ask(Query("apple"))
    assert len(world.bench.results) == 0


async def test_a_list_without_a_leg_is_not_kept(world: World) -> None:
    world.bench.encoder.away = True
    assert (await world.bench.ask(Query("apple"))).ranked.missing_legs == ("dense",)
    world.bench.encoder.away = False
    assert (await world.bench.ask(Query("apple"))).ranked.missing_legs == ()


async def test_what_indexed_reports_as_gone_is_not_shown_of_a_kept_list(world: World) -> None:
    await world.bench.ask(Query("apple"))
    world.bench.changes.note(DocumentKey("acme", "a"), 2)
    found = await world.bench.ask(Query("apple"))
    assert (found.ranked.from_cache, names(found)) == (True, [])


async def test_a_list_is_kept_for_a_while_only(world: World) -> None:
    await world.bench.ask(Query("apple"))
    await world.bench.clock.advance(61.0)
    assert not (await world.bench.ask(Query("apple"))).ranked.from_cache


async def test_another_collection_is_another_list(world: World) -> None:
    await world.bench.ask(Query("apple"))
    shadow = await world.bench.store.shadow("next")
    await shadow.adopt(Model(WordEncoder.model_id, WordEncoder.dimension))
    await world.bench.store.promote("next")
    assert names(await world.bench.ask(Query("apple"))) == []


CACHE_STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "late", "get", "change", "all"]), st.sampled_from("tuv"), st.integers(0, 4)),
    max_size=40,
)


@given(CACHE_STEPS)
def test_the_cache_is_bounded_and_gives_what_was_put_since_the_last_change(steps: list[tuple[str, str, int]]) -> None:
    cache: ResultCache[int] = ResultCache(ManualClock(), 30, 60.0)
    model: dict[tuple[str, int], int] = {}
    for number, (what, tenant, key) in enumerate(steps):
        match what:
            case "put":
                cache.put(tenant, key, number, 10, cache.state(tenant))
                model[tenant, key] = number
            case "late":
                state = cache.state(tenant)
                cache.changed(tenant)
                cache.put(tenant, key, number, 10, state)
                model = {held: value for held, value in model.items() if held[0] != tenant}
            case "get":
                assert cache.get(tenant, key) in (None, model.get((tenant, key)))
            case "change":
                cache.changed(tenant)
                model = {held: value for held, value in model.items() if held[0] != tenant}
            case _:
                cache.all_changed()
                model = {}
        assert len(cache) <= 3
    assert all(cache.get(*held) in (None, value) for held, value in model.items())


def test_what_is_too_large_is_not_kept_and_the_longest_unused_goes_first() -> None:
    cache: ResultCache[str] = ResultCache(ManualClock(), 20, 60.0)
    cache.put("t", "large", "x", 21, cache.state("t"))
    cache.put("t", "a", "a", 10, cache.state("t"))
    cache.put("t", "b", "b", 10, cache.state("t"))
    assert cache.get("t", "a") == "a"
    cache.put("t", "c", "c", 10, cache.state("t"))
    assert [cache.get("t", key) for key in ("large", "a", "b", "c")] == [None, "a", None, "c"]


async def test_query_vectors_are_kept_by_text_and_model() -> None:
    encoder, clock = WordEncoder(), ManualClock()
    cached = CachedEncoder(encoder, 2)
    deadline = Deadline.after(clock, 1.0)

    async def calls(text: str, model_id: str = WordEncoder.model_id) -> int:
        before = encoder.calls
        assert (await cached.encode(text, model_id, deadline)).vector == encoder.vector(text)
        return encoder.calls - before

    assert [await calls(text) for text in ("a", "a", "b", "a", "c", "b", "a")] == [1, 0, 1, 0, 1, 1, 1]
    assert [await calls("d", ""), await calls("d", "")] == [1, 1]
    long = "x" * (MAX_TEXT_CHARACTERS + 1)
    assert [await calls(long), await calls(long)] == [1, 1]
    assert len(cached) == 2
    assert await calls("e") == 1
    assert [await CachedEncoder(encoder, 0).encode("a", "", deadline)] == [await encoder.encode("a", "", deadline)]
