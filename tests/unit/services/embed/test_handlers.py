import asyncio
import dataclasses
from typing import Any

import numpy as np
import pytest
from headwater.events.v1 import events_pb2
from headwater_embed.adapters.lru import LruCache
from headwater_embed.bootstrap import PART_SHARE
from headwater_embed.domain import Overlong, TextKind, model_input
from headwater_embed.events import EmbedChunks
from headwater_embed.handlers import Embedder
from headwater_inference.ports import Lane, ModelCard, WhenFull
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Record
from headwater_kit.bus.topics import CHUNKS, EMBEDDINGS
from headwater_kit.codec.events import encode
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import (
    Chunk,
    DocumentInfo,
    DocumentKey,
    Position,
    embedding_text,
    part_key,
    text_hash,
)
from headwater_kit.core.documents import Lane as EventLane
from headwater_kit.core.errors import InvalidInput, NotFound, Permanent, Transient
from headwater_kit.core.events import DocumentChunked, Outcome, Provenance
from headwater_kit.testing.clock import ManualClock
from unit.services.embed.conftest import Only


def part(
    clock: ManualClock, *texts: str, lane: EventLane = EventLane.LIVE, outcome: Outcome = Outcome.UPSERTED
) -> DocumentChunked:
    chunks = tuple(
        Chunk(f"{i:032x}", i, text, ("Heading",), 0, len(text), 3, text_hash(text)) for i, text in enumerate(texts)
    )
    provenance = Provenance(Position(1, 7), clock.now(), outcome, version=1, lane=lane)
    return DocumentChunked(provenance, DocumentInfo(title="Title"), 0, 1, len(chunks), chunks)


def soon(clock: ManualClock) -> Deadline:
    return Deadline.after(clock, 5.0)


async def test_vectors_come_in_the_order_of_the_texts(embedder: Embedder, clock: ManualClock) -> None:
    both = await embedder.embed_texts(["apple pie", "quantum field"], TextKind.PASSAGE, "", soon(clock))
    other = await embedder.embed_texts(["quantum field", "apple pie"], TextKind.PASSAGE, "", soon(clock))
    assert both.embeddings == other.embeddings[::-1]
    assert both.embeddings[0] != both.embeddings[1]
    vector = np.frombuffer(both.embeddings[0].vector, "<f4")
    assert len(vector) == both.dimension == 384
    assert np.linalg.norm(vector) == pytest.approx(1.0)


async def test_a_text_is_embedded_once(embedder: Embedder, watched: Any, clock: ManualClock) -> None:
    await embedder.embed_texts(["a", "b", "a"], TextKind.PASSAGE, "", soon(clock))
    found = await embedder.embed_texts(["b", "c"], TextKind.PASSAGE, "", soon(clock))
    assert [texts for texts, _, _ in watched.asked] == [("a", "b"), ("c",)]
    assert len(found.embeddings) == 2


async def test_what_the_cache_holds_needs_no_engine(embedder: Embedder, watched: Any, clock: ManualClock) -> None:
    for _ in range(2):
        await embedder.embed_texts(["a"], TextKind.QUERY, "", soon(clock))
    assert len(watched.asked) == 1


async def test_a_change_of_readers_alone_embeds_nothing(embedder: Embedder, watched: Any, clock: ManualClock) -> None:
    before = part(clock, "a", "b")
    kept = dataclasses.replace(before.info, readers=("group:board",))
    after = dataclasses.replace(before, info=kept, provenance=dataclasses.replace(before.provenance, version=2))
    embedded = [await embedder.embed_part(each) for each in (before, after)]
    assert len(watched.asked) == 1
    assert embedded[0].vectors == embedded[1].vectors
    assert embedded[1].chunked.info.readers == ("group:board",)


async def test_what_two_calls_ask_for_at_the_same_time_is_encoded_once(
    embedder: Embedder, watched: Any, clock: ManualClock
) -> None:
    calls = [["a", "b"], ["b", "c"], ["c", "a"]]
    asked = (embedder.embed_texts(texts, TextKind.PASSAGE, "", soon(clock)) for texts in calls)
    answers = await asyncio.gather(*asked)
    assert sorted(text for texts, _, _ in watched.asked for text in texts) == ["a", "b", "c"]
    assert answers[0].embeddings[1] == answers[1].embeddings[0]


async def test_an_edit_does_not_wait_for_the_same_text_in_the_backfill(
    embedder: Embedder, watched: Any, clock: ManualClock
) -> None:
    parts = [part(clock, "a", lane=lane) for lane in (EventLane.BACKFILL, EventLane.LIVE)]
    await asyncio.gather(*(embedder.embed_part(each) for each in parts))
    assert [lane for _, lane, _ in watched.asked] == [Lane.BACKFILL, Lane.LIVE]


async def test_callers_are_refused_and_events_wait(embedder: Embedder, watched: Any, clock: ManualClock) -> None:
    await embedder.embed_texts(["a"], TextKind.QUERY, "", soon(clock))
    await embedder.embed_texts(["b"], TextKind.PASSAGE, "", soon(clock))
    await embedder.embed_part(part(clock, "c"))
    await embedder.embed_part(part(clock, "d", lane=EventLane.BACKFILL))
    await embedder.embed_texts(["e"], TextKind.PASSAGE, "", soon(clock), bulk=True)
    assert [asked[1:] for asked in watched.asked] == [
        (Lane.QUERY, WhenFull.REFUSE),
        (Lane.LIVE, WhenFull.REFUSE),
        (Lane.LIVE, WhenFull.WAIT),
        (Lane.BACKFILL, WhenFull.WAIT),
        (Lane.BACKFILL, WhenFull.WAIT),
    ]


async def test_a_query_has_a_cache_of_its_own(watched: Any, clock: ManualClock) -> None:
    cache, query_cache = LruCache(1024 * 1024), LruCache(1024 * 1024)
    embedder = Embedder(Only(watched), cache, clock, part_seconds=1.0, query_cache=query_cache)
    for _ in range(2):
        await embedder.embed_texts(["asked"], TextKind.QUERY, "", soon(clock))
        await embedder.embed_texts(["stored"], TextKind.PASSAGE, "", soon(clock))
    assert (len(cache), len(query_cache), len(watched.asked)) == (1, 1, 2)


class FullEngine:
    """Has no room before the caller's time is up."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    async def embed(self, texts: Any, lane: Lane, when_full: WhenFull, deadline: Deadline) -> Any:
        await deadline.clock.sleep(deadline.remaining())
        deadline.check()


async def test_a_part_that_waits_too_long_says_so_before_it_counts_as_hanging(watched: Any, clock: ManualClock) -> None:
    limit_seconds = LoopPolicy().attempt_seconds
    assert limit_seconds is not None
    embedder = Embedder(Only(FullEngine(watched.card)), LruCache(0), clock, part_seconds=PART_SHARE * limit_seconds)
    waiting = asyncio.create_task(embedder.embed_part(part(clock, "a", lane=EventLane.BACKFILL)))
    await clock.advance(limit_seconds - 1.0)
    with pytest.raises(Transient):
        await waiting


async def test_a_part_is_embedded_with_its_headings(embedder: Embedder, watched: Any, clock: ManualClock) -> None:
    chunked = part(clock, "first", "second")
    embedded = await embedder.embed_part(chunked)
    assert watched.asked[0][0] == tuple(embedding_text("Title", ("Heading",), text) for text in ("first", "second"))
    assert embedded.chunked is chunked
    assert embedded.model_id == embedder.models()[0][0].model_id
    assert [len(vector) for vector in embedded.vectors] == [4 * 384] * 2


@pytest.mark.parametrize("outcome", [Outcome.STALE, Outcome.REJECTED, Outcome.REROUTED, Outcome.DEFERRED])
async def test_markers_pass_through(embedder: Embedder, watched: Any, clock: ManualClock, outcome: Outcome) -> None:
    marker = part(clock, outcome=outcome)
    embedded = await embedder.embed_part(marker)
    assert (embedded.chunked, embedded.vectors, embedded.model_id) == (marker, (), "")
    assert watched.asked == []


async def test_a_deletion_is_told_the_model(embedder: Embedder, watched: Any, clock: ManualClock) -> None:
    embedded = await embedder.embed_part(part(clock, outcome=Outcome.DELETED))
    card, _ = embedder.models()[0]
    assert (embedded.vectors, embedded.model_id, embedded.dimension) == ((), card.model_id, card.dimension)
    assert watched.asked == []


def test_a_rejected_part_becomes_a_marker(embedder: Embedder, clock: ManualClock) -> None:
    chunked = dataclasses.replace(part(clock, "text"), part=1, parts=3)
    marker = embedder.reject_part(chunked, Permanent("no", reason="POISON")).chunked
    assert (marker.provenance.outcome, marker.provenance.reason) == (Outcome.REJECTED, "POISON")
    assert (marker.part, marker.parts, marker.chunks) == (1, 3, ())
    assert marker.provenance.position == chunked.provenance.position


def test_a_rejected_part_takes_no_parts_place(embedder: Embedder, clock: ManualClock) -> None:
    key = DocumentKey("t", "d")
    record = Record(CHUNKS.name, 1, 5, part_key(key, 2), encode(part(clock, "text")), {}, 1.0)
    (marker,) = EmbedChunks(embedder).reject(record, Permanent("no", reason="POISON"))
    assert (marker.topic, marker.key, marker.partition) == (EMBEDDINGS.name, part_key(key, None), 1)


async def test_what_a_newer_release_put_into_a_part_passes_through(embedder: Embedder, clock: ManualClock) -> None:
    wire = events_pb2.DocumentChunked.FromString(encode(part(clock, "text")))
    # Field 2047, which no release knows, of the part, of its title's message and of its chunk.
    unknown = b"\xf8\x7f\x01"
    for message in (wire.chunks[0], wire.info, wire):
        message.MergeFromString(unknown)
    value = wire.SerializeToString()
    record = Record(CHUNKS.name, 1, 5, part_key(DocumentKey("t", "d"), 0), value, {}, 1.0)
    (passed,) = await EmbedChunks(embedder).handle(record)
    embedded = events_pb2.DocumentEmbedded.FromString(passed.value or b"")
    assert embedded.chunked.SerializeToString().count(unknown) == 3
    assert embedded.chunked == wire
    assert len(embedded.vectors) == 1


@pytest.mark.parametrize(
    ("texts", "field", "reason"),
    [
        ([], "texts", "TEXT_COUNT"),
        (["a"] * 257, "texts", "TEXT_COUNT"),
        (["a", "b", "c", ""], "texts[3]", "EMPTY_TEXT"),
        (["a", " \n"], "texts[1]", "EMPTY_TEXT"),
        (["a" * 100_001], "texts[0]", "TOO_LARGE"),
    ],
)
async def test_faults_name_the_text(
    embedder: Embedder, clock: ManualClock, texts: list[str], field: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await embedder.embed_texts(texts, TextKind.PASSAGE, "", soon(clock))
    assert (refused.value.field, refused.value.reason) == (field, reason)


async def test_the_largest_call_is_served(embedder: Embedder, clock: ManualClock) -> None:
    texts = [f"{i} " + "word " * 1_000 for i in range(255)] + ["a" * 100_000]
    embedded = await embedder.embed_texts(texts, TextKind.PASSAGE, "", soon(clock))
    assert embedded.truncated == tuple(range(255))


async def test_a_model_that_is_not_served_is_not_found(embedder: Embedder, clock: ManualClock) -> None:
    served = embedder.models()[0][0].model_id
    assert (await embedder.embed_texts(["a"], TextKind.QUERY, served, soon(clock))).model_id == served
    with pytest.raises(NotFound, match=served):
        await embedder.embed_texts(["a"], TextKind.QUERY, "another", soon(clock))


def test_texts_carry_the_models_prefixes(embedder: Embedder) -> None:
    card = dataclasses.replace(embedder.models()[0][0], query_prefix="find: ", passage_prefix="stored: ")
    assert model_input("text", TextKind.QUERY, card) == "find: text"
    assert model_input("text", TextKind.PASSAGE, card) == "stored: text"


async def test_an_overlong_text_is_cut_and_flagged(embedder: Embedder, clock: ManualClock) -> None:
    embedded = await embedder.embed_texts(["short", "word " * 1_000], TextKind.PASSAGE, "", soon(clock))
    assert embedded.truncated == (1,)


async def test_an_overlong_text_is_refused_where_that_is_wanted(watched: Any, clock: ManualClock) -> None:
    embedder = Embedder(Only(watched), LruCache(1024 * 1024), clock, part_seconds=1.0, overlong=Overlong.REFUSE)
    for _ in range(2):  # from the encoder, then from the cache
        with pytest.raises(InvalidInput, match="512 tokens of hash-words") as refused:
            await embedder.embed_texts(["short", "word " * 1_000], TextKind.PASSAGE, "", soon(clock))
        assert (refused.value.field, refused.value.reason) == ("texts[1]", "OVERLONG")
    with pytest.raises(Permanent):
        await embedder.embed_part(part(clock, "word " * 1_000))
    assert (await embedder.embed_texts(["short"], TextKind.PASSAGE, "", soon(clock))).truncated == ()
