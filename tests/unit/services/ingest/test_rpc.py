"""Calls, as a client sees them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from headwater.documents.v1.documents_pb2 import DocumentInfo, Lane, SourcePosition
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater_ingest.settings import Settings
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import DOCUMENTS, DOCUMENTS_BACKFILL, EMBEDDINGS, EMBEDDINGS_BACKFILL
from headwater_kit.core.documents import DocumentKey, Position, part_key
from headwater_kit.core.errors import InvalidInput, NotFound, Overloaded
from headwater_kit.core.events import Outcome, Provenance

KEY = DocumentKey("default", "a")


def upsert(body: bytes = b"text", **fields: object) -> pb.UpsertDocumentRequest:
    return pb.UpsertDocumentRequest(**{"document_id": "a", "body": body, **fields})


def position_of(message: SourcePosition) -> Position:
    return Position(message.partition, message.offset)


async def test_a_write_is_a_produce_and_is_cut(stub, log) -> None:
    info = DocumentInfo(title="T", source_uri="u", media_type="text/markdown")
    info.metadata["lang"] = "en"
    reply = await stub.UpsertDocument(upsert(b"# H\n\ntext", info=info, version=5))
    (record,) = log.records(DOCUMENTS.name)
    assert (record.key, record.headers["content-type"]) == (KEY.to_bytes(), b"application/x-protobuf")
    (part,) = await log.outcome(position_of(reply.position))
    assert (part.provenance.version, part.info.title, part.info.metadata) == (5, "T", {"lang": "en"})
    assert part.chunks[0].heading_path == ("H",)


async def test_bulk_is_produced_to_its_lane(stub, log) -> None:
    written = await stub.UpsertDocument(upsert(version=5, lane=Lane.LANE_BACKFILL))
    deleted = await stub.DeleteDocument(pb.DeleteDocumentRequest(document_id="a", lane=Lane.LANE_BACKFILL))
    first, second = log.records(DOCUMENTS_BACKFILL.name)
    assert (first.headers["headwater-version"], second.value) == (b"5", None)
    places = [Position(record.partition, record.offset) for record in (first, second)]
    assert places == [position_of(reply.position) for reply in (written, deleted)]
    with pytest.raises(InvalidInput):
        await stub.UpsertDocument(upsert(lane=7))


async def test_delete_produces_a_tombstone_with_its_version(stub, log) -> None:
    reply = await stub.DeleteDocument(pb.DeleteDocumentRequest(document_id="a", version=9))
    (record,) = log.records(DOCUMENTS.name)
    assert record.value is None
    (part,) = await log.outcome(position_of(reply.position))
    assert (part.provenance.outcome, part.provenance.version) == (Outcome.DELETED, 9)


async def test_the_tenant_is_the_principals(stub, log) -> None:
    await stub.UpsertDocument(upsert(), metadata=(("headwater-tenant", "acme"),))
    (record,) = log.records(DOCUMENTS.name)
    assert record.key == DocumentKey("acme", "a").to_bytes()
    await log.until(lambda: log.ledger(DocumentKey("acme", "a")))
    with pytest.raises(NotFound):
        await stub.GetDocument(pb.GetDocumentRequest(document_id="a"))


async def test_what_a_document_says_of_itself_is_told_to_its_readers(stub, log) -> None:
    info = DocumentInfo(title="Merger", source_uri="file:///merger", readers=["group:board"])
    await stub.UpsertDocument(upsert(info=info))
    await log.until(lambda: log.ledger(KEY))
    asked = pb.GetDocumentRequest(document_id="a")
    member = await stub.GetDocument(asked, metadata=(("headwater-group", "board"),))
    assert (member.info.title, list(member.info.readers)) == ("Merger", ["group:board"])
    other = await stub.GetDocument(asked, metadata=(("headwater-group", "staff"),))
    assert (other.info.title, other.info.source_uri, list(other.info.readers), other.version) == ("", "", [], 1)


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (upsert(info=DocumentInfo(readers=["board"])), "info.readers", "INVALID_READERS"),
        (upsert(document_id=""), "document_id", "INVALID_KEY"),
        (upsert(document_id="k" * 10_000), "document_id", "INVALID_KEY"),
        (upsert(document_id="a\x1fb"), "document_id", "INVALID_KEY"),
        (upsert(b""), "body", "EMPTY_TEXT"),
        (upsert(b" \n"), "body", "EMPTY_TEXT"),
        (upsert(b"\xff"), "body", "INVALID_UTF8"),
        (upsert(version=0), "version", "INVALID_VERSION"),
        (upsert(info=DocumentInfo(media_type="application/pdf")), "info.media_type", "UNKNOWN_MEDIA_TYPE"),
        (upsert(info=DocumentInfo(title="t" * 1001)), "info.title", "INVALID_METADATA"),
        (upsert(info=DocumentInfo(metadata={"a": None})), "info.metadata.a", "INVALID_METADATA"),
        (upsert(info=DocumentInfo(metadata={"a b": 1})), "info.metadata", "INVALID_METADATA"),
    ],
)
async def test_a_bad_write_is_refused_with_field_and_reason(stub, log, request_, field, reason) -> None:
    with pytest.raises(InvalidInput) as refused:
        await stub.UpsertDocument(request_)
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert log.records(DOCUMENTS.name) == []


async def pieces(*bodies: bytes, header: pb.UpsertDocumentRequest | None = None) -> AsyncIterator[object]:
    yield pb.UploadDocumentRequest(header=header or upsert(b""))
    for body in bodies:
        yield pb.UploadDocumentRequest(data=body)


async def test_an_upload_is_put_together(stub, log) -> None:
    # Cut within a character: only the whole has to be UTF-8.
    reply = await stub.UploadDocument(pieces(b"caf\xc3", b"\xa9 " + b"x " * 1000))
    (first, *_) = await log.outcome(position_of(reply.position))
    assert first.chunks[0].text.startswith("café x")


async def data_only() -> AsyncIterator[object]:
    yield pb.UploadDocumentRequest(data=b"x")


async def two_headers() -> AsyncIterator[object]:
    yield pb.UploadDocumentRequest(header=upsert(b""))
    yield pb.UploadDocumentRequest(header=upsert(b""))


async def nothing() -> AsyncIterator[object]:
    for never in ():
        yield never


@pytest.mark.parametrize(
    ("stream", "field", "reason"),
    [
        (data_only, "header", "INVALID_INPUT"),
        (nothing, "header", "INVALID_INPUT"),
        (two_headers, "data", "INVALID_INPUT"),
        (lambda: pieces(header=upsert(b"body in the header")), "header", "INVALID_INPUT"),
        (lambda: pieces(*[b"x" * 1024 * 1024] * 11), "body", "TOO_LARGE"),
        (pieces, "body", "EMPTY_TEXT"),
    ],
)
async def test_a_bad_upload_is_refused(stub, log, stream, field, reason) -> None:
    with pytest.raises(InvalidInput) as refused:
        await stub.UploadDocument(stream())
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert log.records(DOCUMENTS.name) == []


async def get(stub) -> pb.GetDocumentResponse | None:
    async with asyncio.timeout(10.0):
        while True:
            try:
                return await stub.GetDocument(pb.GetDocumentRequest(document_id="a"))
            except NotFound:
                await asyncio.sleep(0)


async def test_get_tells_the_last_accepted_version(stub, log) -> None:
    with pytest.raises(NotFound):
        await stub.GetDocument(pb.GetDocumentRequest(document_id="a"))
    written = await stub.UpsertDocument(upsert(b"# Found title\n\ntext", info=DocumentInfo(media_type="text/markdown")))
    told = await get(stub)
    assert (told.version, told.deleted, told.chunk_count, told.position) == (1, False, 1, written.position)
    assert told.info.title == "Found title"


async def watched(stub, until: SourcePosition) -> list[pb.WatchDocumentResponse]:
    async with asyncio.timeout(10.0):
        return [state async for state in stub.WatchDocument(pb.WatchDocumentRequest(document_id="a", until=until))]


async def test_watch_follows_a_write_until_it_is_searchable(stub, log) -> None:
    reply = await stub.UpsertDocument(upsert())
    watching = asyncio.create_task(watched(stub, reply.position))
    (part,) = await log.outcome(position_of(reply.position))
    await log.index(KEY, part.provenance)
    *_, last = await watching
    assert (last.state, last.version) == (pb.DOCUMENT_STATE_SEARCHABLE, 1)


async def test_watch_of_what_is_already_done_ends_at_once(stub, log) -> None:
    reply = await stub.UpsertDocument(upsert())
    (part,) = await log.outcome(position_of(reply.position))
    await log.index(KEY, part.provenance)
    await watched(stub, reply.position)
    (again,) = await watched(stub, reply.position)
    assert again.state == pb.DOCUMENT_STATE_SEARCHABLE


async def test_watch_without_an_end_tells_each_further_state(stub, log) -> None:
    reply = await stub.UpsertDocument(upsert())
    (part,) = await log.outcome(position_of(reply.position))
    await log.index(KEY, part.provenance)
    await watched(stub, reply.position)
    states = aiter(stub.WatchDocument(pb.WatchDocumentRequest(document_id="a")))
    async with asyncio.timeout(10.0):
        now = await anext(states)
        later = await stub.DeleteDocument(pb.DeleteDocumentRequest(document_id="a"))
        then = await anext(states)
    # What was accepted before it was searchable is no news.
    assert (now.state, now.position) == (pb.DOCUMENT_STATE_SEARCHABLE, reply.position)
    assert (then.state, then.position, then.version) == (pb.DOCUMENT_STATE_ACCEPTED, later.position, 2)
    await states.aclose()


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.DELETED, pb.DOCUMENT_STATE_DELETED),
        (Outcome.STALE, pb.DOCUMENT_STATE_STALE),
        (Outcome.REJECTED, pb.DOCUMENT_STATE_REJECTED),
    ],
)
async def test_watch_tells_how_it_ended(stub, log, outcome, state) -> None:
    await log.index(KEY, Provenance(Position(3, 17), 1.0, outcome, reason="POISON" if state == 5 else ""))
    *_, last = await watched(stub, SourcePosition(partition=3, offset=17))
    assert (last.state, last.reason) == (state, "POISON" if state == 5 else "")


@pytest.mark.parametrize("passed_over", [Outcome.REROUTED, Outcome.DEFERRED])
async def test_watch_passes_over_what_says_nothing_of_the_document(stub, log, passed_over) -> None:
    await log.index(KEY, Provenance(Position(3, 1), 1.0, passed_over))
    await log.index(KEY, Provenance(Position(3, 2), 1.0, Outcome.UPSERTED, version=1))
    states = await watched(stub, SourcePosition(partition=3, offset=1))
    assert states[-1].state == pb.DOCUMENT_STATE_SEARCHABLE
    assert {state.position.offset for state in states} == {2}


ALL_STATES = [
    pb.DOCUMENT_STATE_ACCEPTED,
    pb.DOCUMENT_STATE_CHUNKED,
    pb.DOCUMENT_STATE_EMBEDDED,
    pb.DOCUMENT_STATE_SEARCHABLE,
]


async def opened(stub, log) -> AsyncIterator[pb.WatchDocumentResponse]:
    """A watch that is open, and reads the ends of the topics already: it has told what was there."""
    before = await log.write(b"a", b"before")
    await log.index(KEY, Provenance(before, 1.0, Outcome.UPSERTED, 1))
    await watched(stub, SourcePosition(partition=before.partition, offset=before.offset))
    states = aiter(stub.WatchDocument(pb.WatchDocumentRequest(document_id="a")))
    async with asyncio.timeout(10.0):
        assert (await anext(states)).state == pb.DOCUMENT_STATE_SEARCHABLE
    for _ in range(100):
        await asyncio.sleep(0)
    return states


@pytest.mark.parametrize(("lane", "topic"), [("live", EMBEDDINGS), ("backfill", EMBEDDINGS_BACKFILL)])
async def test_watch_tells_each_step_of_either_lane(stub, log, lane, topic) -> None:
    states = await opened(stub, log)
    origin = b"documents.backfill.v1/1/4/9000000000000"
    headers = {"headwater-lane": b"backfill", "headwater-origin": origin} if lane == "backfill" else {}
    position = await log.write(b"a", b"text", headers)
    async with asyncio.timeout(10.0):
        assert [(await anext(states)).state for _ in range(2)] == ALL_STATES[:2]
        header = {"headwater-position": f"{position.partition}/{position.offset}/2".encode()}
        await log.bus.producer().send(Outbound(topic.name, part_key(KEY, 0), b"not decoded", header, 0))
        embedded = await anext(states)
        assert (embedded.state, embedded.version, position_of(embedded.position)) == (ALL_STATES[2], 2, position)
        await log.index(KEY, Provenance(position, 1.0, Outcome.UPSERTED, 2))
        assert (await anext(states)).state == ALL_STATES[3]
    await states.aclose()


async def test_steps_that_were_missed_are_told_with_the_next(stub, log) -> None:
    states = await opened(stub, log)
    position = Position(3, 17)
    await log.index(KEY, Provenance(position, 1.0, Outcome.UPSERTED, 1))
    async with asyncio.timeout(10.0):
        told = [await anext(states) for _ in range(4)]
    assert [state.state for state in told] == ALL_STATES
    assert {(state.version, position_of(state.position)) for state in told} == {(1, position)}
    await states.aclose()


class TestManyWatches:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"ingest_max_watches": 1})

    async def test_are_refused(self, stub, log) -> None:
        await log.index(KEY, Provenance(Position(3, 1), 1.0, Outcome.UPSERTED, version=1))
        async with asyncio.timeout(10.0):
            first = stub.WatchDocument(pb.WatchDocumentRequest(document_id="a"))
            await anext(aiter(first))
            with pytest.raises(Overloaded):
                await anext(aiter(stub.WatchDocument(pb.WatchDocumentRequest(document_id="a"))))
            first.cancel()
