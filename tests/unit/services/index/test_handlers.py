"""What becomes of document events, on the in-memory store."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from headwater_index.handlers.gate import Gate
from headwater_index.handlers.indexing import INCOMPLETE, Indexer
from headwater_index.handlers.translating import Translation
from headwater_kit.core.crash import arm
from headwater_kit.core.documents import DocumentKey, Lane, Position
from headwater_kit.core.errors import InvalidInput, Misconfigured, Unavailable
from headwater_kit.core.events import DocumentEmbedded, DocumentIndexed, Outcome
from headwater_kit.testing.clock import ManualClock
from headwater_text.analysis import analyse
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import Query
from headwater_vectors.testing.samples import MODEL

KEY = DocumentKey("acme", "a")
Part = Callable[..., DocumentEmbedded]


async def shown(store: MemoryStore, terms: str) -> list[tuple[int, str]]:
    legs = await store.search(Query("acme", terms=analyse(terms)))
    return sorted((hit.passage.version, hit.passage.chunk.text) for hit in legs.lexical)


async def applied(indexer: Indexer, part: DocumentEmbedded) -> DocumentIndexed:
    indexed = await indexer.apply(KEY, part)
    assert indexed is not None
    return indexed


async def test_a_version_is_served_and_announced(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    indexed = await applied(indexer, part(7, "apple one", "apple two"))
    assert await shown(store, "apple") == [(7, "apple one"), (7, "apple two")]
    assert (indexed.serving_version, indexed.chunk_count) == (7, 2)
    assert indexed.provenance.outcome is Outcome.UPSERTED
    assert indexed.provenance.position == Position(2, 7)
    assert indexed.model_id == "sample-model"


async def test_title_headings_and_body_are_found(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    await applied(indexer, part(1, "apple"))
    for word in ("title", "heading", "apples"):
        assert await shown(store, word) == [(1, "apple")]


async def test_an_edit_replaces_all_that_was_there(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    await applied(indexer, part(1, "apple one", "apple two", "apple three"))
    await applied(indexer, part(2, "apple four"))
    assert await shown(store, "apple") == [(2, "apple four")]
    assert (await store.counts("acme")).chunks == 1


async def test_nothing_is_seen_or_announced_before_the_last_part(
    indexer: Indexer, store: MemoryStore, part: Part
) -> None:
    await applied(indexer, part(1, "apple old"))
    assert await indexer.apply(KEY, part(2, "apple new", part=0, parts=2)) is None
    assert await shown(store, "apple") == [(1, "apple old")]
    indexed = await applied(indexer, part(2, "apple newer", part=1, parts=2))
    assert await shown(store, "apple") == [(2, "apple new"), (2, "apple newer")]
    assert indexed.chunk_count == 2


async def test_a_version_with_a_part_missing_is_never_served(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    await applied(indexer, part(1, "apple old"))
    indexed = await applied(indexer, part(2, "apple new", part=1, parts=2))
    assert (indexed.provenance.outcome, indexed.provenance.reason) == (Outcome.REJECTED, INCOMPLETE)
    assert (indexed.serving_version, indexed.chunk_count) == (1, 1)
    assert await shown(store, "apple") == [(1, "apple old")]


async def test_of_a_version_whose_last_part_is_put_aside_nothing_stays(
    indexer: Indexer, store: MemoryStore, part: Part
) -> None:
    await applied(indexer, part(1, "apple old"))
    await indexer.apply(KEY, part(2, "apple new", part=0, parts=2))
    last = part(2, "apple newer", part=1, parts=2)
    with pytest.raises(InvalidInput):
        await indexer.apply(KEY, replace(last, vectors=()))
    assert (await store.counts("acme")).chunks == 1
    await indexer.apply(KEY, part(3, "apple new", part=0, parts=2))
    # As embed marks it.
    marker = replace(part(3, part=1, parts=2, outcome=Outcome.REJECTED), vectors=())
    indexed = await applied(indexer, replace(marker, chunked=replace(marker.chunked, chunk_count=2)))
    assert (indexed.provenance.outcome, indexed.serving_version) == (Outcome.REJECTED, 1)
    assert (await store.counts("acme")).chunks == 1


@pytest.mark.parametrize("late", [1, 2])
async def test_what_is_not_newer_is_stale(indexer: Indexer, store: MemoryStore, part: Part, late: int) -> None:
    await applied(indexer, part(2, "apple"))
    await applied(indexer, part(3, outcome=Outcome.DELETED))
    indexed = await applied(indexer, part(late, "apple"))
    assert indexed.provenance.outcome is Outcome.STALE
    assert indexed.serving_version == 0
    assert await shown(store, "apple") == []
    assert (await store.counts("acme")).chunks == 0


async def test_a_deletion_beside_an_upsert_of_its_version_is_stale(
    indexer: Indexer, store: MemoryStore, part: Part
) -> None:
    await applied(indexer, part(2, "apple"))
    indexed = await applied(indexer, part(2, outcome=Outcome.DELETED))
    assert (indexed.provenance.outcome, indexed.serving_version) == (Outcome.STALE, 2)
    assert await shown(store, "apple") == [(2, "apple")]


async def test_a_deletion_hides_and_removes(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    await applied(indexer, part(1, "apple"))
    indexed = await applied(indexer, part(2, outcome=Outcome.DELETED))
    assert (indexed.provenance.outcome, indexed.serving_version, indexed.chunk_count) == (Outcome.DELETED, 0, 0)
    assert await shown(store, "apple") == []
    assert (await store.counts("acme")).chunks == 0


async def test_a_deletion_of_the_unknown_is_announced_too(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    indexed = await applied(indexer, part(2, outcome=Outcome.DELETED))
    assert (indexed.provenance.outcome, indexed.serving_version) == (Outcome.DELETED, 0)
    assert await store.collection() is None


async def test_a_deletion_before_all_else_keeps_an_older_version_out(
    indexer: Indexer, store: MemoryStore, part: Part
) -> None:
    deletion = replace(part(2, outcome=Outcome.DELETED), model_id=MODEL.model_id, dimension=MODEL.dimension)
    assert (await applied(indexer, deletion)).provenance.outcome is Outcome.DELETED
    late = await applied(indexer, part(1, "apple", lane=Lane.BACKFILL))
    assert late.provenance.outcome is Outcome.STALE
    assert await shown(store, "apple") == []


@pytest.mark.parametrize("outcome", [Outcome.STALE, Outcome.REJECTED, Outcome.REROUTED])
async def test_markers_pass_with_what_is_served(indexer: Indexer, part: Part, outcome: Outcome) -> None:
    await applied(indexer, part(4, "apple"))
    indexed = await applied(indexer, part(5, outcome=outcome))
    assert (indexed.provenance.outcome, indexed.serving_version, indexed.chunk_count) == (outcome, 4, 1)


async def test_a_marker_is_announced_once_however_many_parts(indexer: Indexer, part: Part) -> None:
    assert await indexer.apply(KEY, part(1, outcome=Outcome.REJECTED, part=0, parts=2)) is None
    indexed = await applied(indexer, part(1, outcome=Outcome.REJECTED, part=1, parts=2))
    assert indexed.provenance.outcome is Outcome.REJECTED


async def test_the_same_again_gives_the_same(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    for version, texts in ((1, ("apple",)), (2, ("apple", "pear"))):
        first = await applied(indexer, part(version, *texts))
        assert await applied(indexer, part(version, *texts)) == first
    assert (await store.counts("acme")).chunks == 2


async def test_a_crash_after_the_switch_is_made_good(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    await applied(indexer, part(1, "apple old"))

    def die() -> None:
        raise Unavailable("gone")

    arm("vectors.switched:1", crash=die)
    with pytest.raises(Unavailable):
        await indexer.apply(KEY, part(2, "apple new"))
    arm("")
    assert (await store.counts("acme")).chunks == 2
    await applied(indexer, part(2, "apple new"))
    assert (await store.counts("acme")).chunks == 1


async def test_vectors_of_a_model_that_nobody_serves_are_refused_before_writing(
    indexer: Indexer, store: MemoryStore, part: Part
) -> None:
    await applied(indexer, part(1, "apple"))
    with pytest.raises(Misconfigured):
        await indexer.apply(KEY, part(2, "apple", model_id="another"))
    assert await shown(store, "apple") == [(1, "apple")]


async def test_a_part_whose_vectors_do_not_fit_is_refused(indexer: Indexer, part: Part) -> None:
    whole = part(1, "apple", "pear")
    for vectors in ((whole.vectors[0],), (whole.vectors[0], b"\0" * 4), (b"", b""), (b"abc", b"abc")):
        with pytest.raises(InvalidInput):
            await indexer.apply(KEY, DocumentEmbedded(whole.chunked, vectors, whole.model_id))


async def test_a_part_put_aside_is_announced_if_it_is_the_last(indexer: Indexer, part: Part) -> None:
    error = InvalidInput("too large", reason="TOO_LARGE")
    assert indexer.reject(part(1, "apple", part=0, parts=2), error) is None
    indexed = indexer.reject(part(1, "apple", part=1, parts=2), error)
    assert indexed is not None
    assert (indexed.provenance.outcome, indexed.provenance.reason) == (Outcome.REJECTED, "TOO_LARGE")


async def test_stats_are_the_tenants_own(indexer: Indexer, part: Part) -> None:
    before = await indexer.stats("acme")
    assert (before.collection, before.model_id, before.watermark) == ("", "", ())
    await applied(indexer, part(1, "apple", "pear"))
    stats = await indexer.stats("acme")
    assert (stats.collection, stats.model_id) == ("memory", "sample-model")
    assert (stats.chunk_count, stats.document_count) == (2, 1)
    assert stats.watermark == (Position(2, 1),)
    assert (await indexer.stats("other")).document_count == 0


async def test_a_part_written_after_its_version_was_overtaken_is_taken_back(
    store: MemoryStore, clock: ManualClock, translation: Translation, part: Part
) -> None:
    """A process stands still within its write; meanwhile another serves the version and then the next."""
    stalled = asyncio.Event()

    async def stall() -> None:
        await stalled.wait()

    behind = store.twin(stall)
    await behind.open()
    late = Indexer(behind, analyse, clock, Gate(clock), translation)
    await applied(Indexer(store, analyse, clock, Gate(clock), translation), part(1, "apple"))
    writing = asyncio.create_task(late.apply(KEY, part(2, "old", part=0, parts=2)))
    await clock.settle()
    prompt = Indexer(store, analyse, clock, Gate(clock), translation)
    await prompt.apply(KEY, part(2, "old", part=0, parts=2))
    await applied(prompt, part(2, "older", part=1, parts=2))
    await applied(prompt, part(3, "new"))
    stalled.set()
    assert await writing is None
    assert (await store.counts("acme")).chunks == 1


async def test_a_stale_version_of_many_parts_leaves_nothing(indexer: Indexer, store: MemoryStore, part: Part) -> None:
    assert await indexer.apply(KEY, part(1, "old", part=0, parts=2)) is None
    await applied(indexer, part(2, "new"))
    indexed = await applied(indexer, part(1, "older", part=1, parts=2))
    assert indexed.provenance.outcome is Outcome.STALE
    assert (await store.counts("acme")).chunks == 1


async def test_the_backfill_lane_does_not_move_the_watermark(indexer: Indexer, part: Part) -> None:
    deferred = await applied(indexer, part(5, outcome=Outcome.DEFERRED))
    assert (deferred.provenance.outcome, deferred.serving_version) == (Outcome.DEFERRED, 0)
    bulk = await applied(indexer, part(9, "apple", lane=Lane.BACKFILL))
    assert (bulk.provenance.lane, bulk.serving_version) == (Lane.BACKFILL, 9)
    assert (await indexer.stats("acme")).watermark == (Position(2, 5),)


async def test_rows_of_a_served_version_are_written_again_only_for_a_repair(
    indexer: Indexer, store: MemoryStore, part: Part
) -> None:
    whole = part(1, "apple", "pear")
    await applied(indexer, whole)
    del store._tables.rows[whole.chunked.chunks[0].chunk_id]
    await applied(indexer, whole)
    assert (await store.counts("acme")).chunks == 1
    await indexer.apply(KEY, whole, rewrite=True)
    assert (await store.counts("acme")).chunks == 2
