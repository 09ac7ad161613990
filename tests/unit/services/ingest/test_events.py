"""Records of `documents.v1` to chains of `chunks.v1`, as wired."""

import json

import pytest
from headwater_ingest.bootstrap import build
from headwater_ingest.settings import Settings
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.topics import CHUNKS, CHUNKS_BACKFILL, DOCUMENTS, LEDGER, PARTITIONS
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.documents import (
    DocumentInfo,
    DocumentKey,
    Lane,
    Position,
    chunk_id,
    document_of,
    embedding_text,
    part_key,
    text_hash,
)
from headwater_kit.core.events import DocumentChunked, DocumentUpserted, Outcome, Parts

KEY = DocumentKey("default", "a")
PROTOBUF = {"content-type": b"application/x-protobuf"}


def upserted(text: str, version: int | None = None) -> bytes:
    return encode(DocumentUpserted(DocumentInfo("T", media_type="text/plain"), text.encode(), version))


served = pytest.mark.usefixtures("channel")


@served
async def test_protobuf_becomes_a_version_of_chunks(log) -> None:
    position = await log.write(KEY.to_bytes(), upserted("one two"), PROTOBUF)
    (part,) = await log.outcome(position)
    assert part.provenance.outcome is Outcome.UPSERTED
    assert part.provenance.version == 1
    (chunk,) = part.chunks
    assert chunk.text == "one two"
    assert chunk.chunk_id == chunk_id(KEY, 1, 0)
    assert chunk.text_hash == text_hash(embedding_text("T", (), "one two"))
    (entry,) = await log.until(lambda: log.ledger(KEY))
    assert (entry.version, entry.deleted, entry.position, entry.chunk_count) == (1, False, position, 1)


@served
async def test_json_without_a_header_is_understood(log) -> None:
    fields = {"title": "T", "text": "# H\n\nbody", "media_type": "text/markdown", "metadata": {"n": 1, "b": True}}
    position = await log.write(b"a", json.dumps(fields).encode())
    (part,) = await log.outcome(position)
    assert part.info == DocumentInfo("T", "", "text/markdown", {"n": 1.0, "b": True})
    assert part.chunks[0].heading_path == ("H",)
    assert part.chunks[0].text == "body"


@served
@pytest.mark.parametrize(
    ("value", "headers", "readers"),
    [
        (b'{"text": "x", "readers": ["user:ann", "group:legal", "user:ann"]}', {}, ("group:legal", "user:ann")),
        (b'{"text": "x", "readers": null}', {}, ()),
        (b"plain", {"headwater-readers": b'["group:legal"]'}, ("group:legal",)),
        (b'{"text": "x", "readers": ["user:ann"]}', {"headwater-readers": b'["group:legal"]'}, ("group:legal",)),
        (
            encode(DocumentUpserted(DocumentInfo("T", readers=("user:ann",)), b"x")),
            PROTOBUF,
            ("user:ann",),
        ),
    ],
)
async def test_readers_come_in_the_value_or_in_a_header(log, value, headers, readers) -> None:
    position = await log.write(KEY.to_bytes(), value, headers)
    (part,) = await log.outcome(position)
    assert part.info.readers == readers
    (entry,) = await log.until(lambda: log.ledger(KEY))
    assert entry.info.readers == readers


@served
async def test_a_change_of_readers_alone_leaves_the_chunks_texts_as_they_were(log) -> None:
    parts = []
    for readers in (b'["group:legal"]', b'["user:ann"]'):
        position = await log.write(b"a", b"one two", {"headwater-readers": readers})
        parts += await log.outcome(position)
    assert [part.provenance.version for part in parts] == [1, 2]
    # The hash names the vector: what has the same one is not embedded again.
    assert len({chunk.text_hash for part in parts for chunk in part.chunks}) == 1


@served
@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        (b"text/plain; charset=utf-8", b"plain", "plain"),
        (b"text/markdown", b"*marked*", "marked"),
        (b"text/html", b"<p>a &amp; b</p><script>no</script>", "a & b"),
        (b"application/json", b'  {"text": "x"}', "x"),
        (b"", b"no header at all", "no header at all"),
    ],
)
async def test_media_type_in_a_header(log, content_type, body, text) -> None:
    position = await log.write(b"a", body, {"content-type": content_type} if content_type else {})
    (part,) = await log.outcome(position)
    assert [chunk.text for chunk in part.chunks] == [text]


@served
async def test_null_value_deletes_and_a_later_write_brings_it_back(log) -> None:
    await log.write(b"a", b"first")
    gone = await log.write(b"a", None)
    back = await log.write(b"a", b"second")
    (deleted,), (again,) = await log.outcome(gone), await log.outcome(back)
    assert (deleted.provenance.outcome, deleted.provenance.version) == (Outcome.DELETED, 2)
    assert deleted.chunks == ()
    assert (again.provenance.outcome, again.provenance.version) == (Outcome.UPSERTED, 3)


@served
async def test_deleting_an_unknown_document_is_accepted(log) -> None:
    (part,) = await log.outcome(await log.write(b"a", None))
    assert (part.provenance.outcome, part.provenance.version) == (Outcome.DELETED, 1)


@served
async def test_producer_versions_at_or_below_the_ledgers_are_stale(log) -> None:
    newest = await log.write(b"a", b"new", {"headwater-version": b"7"})
    older = await log.write(b"a", upserted("old", version=6), PROTOBUF)
    same = await log.write(b"a", b"same", {"headwater-version": b"7"})
    unversioned = await log.write(b"a", b"next")
    outcomes = [(await log.outcome(position))[0].provenance for position in (newest, older, same, unversioned)]
    assert [p.outcome for p in outcomes] == [Outcome.UPSERTED, Outcome.STALE, Outcome.STALE, Outcome.UPSERTED]
    assert [p.version for p in outcomes] == [7, 6, 7, 8]
    assert log.dead_letters() == []


@served
async def test_an_old_tombstone_deletes_nothing(log) -> None:
    await log.write(b"a", b"new", {"headwater-version": b"7"})
    (part,) = await log.outcome(await log.write(b"a", None, {"headwater-version": b"3"}))
    assert part.provenance.outcome is Outcome.STALE


@served
async def test_a_record_in_a_foreign_partition_is_sent_home_once(log) -> None:
    await log.write(b"a", b"v")
    foreign = (log.home(b"a") + 1) % PARTITIONS
    position = await log.write(b"a", b"wandering", {"k": b"v"}, partition=foreign)
    (marker,) = await log.outcome(position)
    assert marker.provenance.outcome is Outcome.REROUTED
    again = [record for record in log.records(DOCUMENTS.name) if "headwater-origin" in record.headers]
    assert len(again) == 1
    assert (again[0].key, again[0].value, again[0].headers["k"]) == (KEY.to_bytes(), b"wandering", b"v")
    origin = again[0].headers["headwater-origin"]
    assert origin.startswith(f"documents.v1/{foreign}/{position.offset}/".encode())
    assert marker.provenance.moved_to == Position(again[0].partition, again[0].offset)
    (part,) = await log.outcome(marker.provenance.moved_to)
    assert (part.provenance.outcome, part.provenance.version) == (Outcome.UPSERTED, 2)
    original = (log.records(DOCUMENTS.name))[0].timestamp
    assert part.provenance.produce_time == pytest.approx(original, abs=5.0)


@served
async def test_what_was_sent_on_once_is_handled_where_it_is(log) -> None:
    foreign = (log.home(b"a") + 1) % PARTITIONS
    position = await log.write(b"a", b"v", {"headwater-origin": b"documents.v1/0/0/1"}, partition=foreign)
    (part,) = await log.outcome(position)
    assert part.provenance.outcome is Outcome.UPSERTED
    await log.until(lambda: log.ledger(KEY))
    assert {record.partition for topic in (CHUNKS.name, LEDGER.name) for record in log.records(topic)} == {foreign}


@served
async def test_a_time_is_a_version(log) -> None:
    first = await log.write(b"a", b"new", {"headwater-version": b"2026-01-31T12:00:00.5+01:00"})
    older = await log.write(b"a", json.dumps({"text": "old", "version": "2026-01-31T10:59:59Z"}).encode())
    gone = await log.write(b"a", None, {"headwater-version": b"2026-01-31T11:00:01Z"})
    outcomes = [(await log.outcome(position))[0].provenance for position in (first, older, gone)]
    assert [p.outcome for p in outcomes] == [Outcome.UPSERTED, Outcome.STALE, Outcome.DELETED]
    assert outcomes[0].version == 1_769_857_200_500_000


@served
async def test_a_redriven_record_is_applied_once(log) -> None:
    await log.outcome(await log.write(b"a", b"newer"))
    redriven = {"headwater-origin": f"documents.v1/{log.home(b'a')}/99/9000000000000".encode()}
    outcomes = [(await log.outcome(await log.write(b"a", b"redriven", redriven)))[0].provenance for _ in range(2)]
    assert [p.outcome for p in outcomes] == [Outcome.UPSERTED, Outcome.STALE]


@served
async def test_two_spellings_of_a_key_are_one_document(log) -> None:
    positions = [await log.write(key, b"text") for key in (b"a", b"default\x1fa") * 5]
    versions = [(await log.outcome(position))[0].provenance.version for position in positions]
    assert versions == list(range(1, 11))


@served
async def test_what_was_sent_home_late_does_not_resurrect(log) -> None:
    await log.outcome(await log.write(b"a", None))
    late = {"headwater-origin": b"documents.v1/1/0/1000"}
    (part,) = await log.outcome(await log.write(b"a", b"old", late))
    assert part.provenance.outcome is Outcome.STALE
    assert part.provenance.produce_time == 1.0


@served
async def test_all_outputs_keep_the_partition_number_and_the_order(log) -> None:
    positions = [await log.write(f"doc-{i}".encode(), b"text") for i in range(40)]
    for position in positions:
        await log.outcome(position)
    home = {KEY.from_bytes(f"doc-{i}".encode()).to_bytes(): position for i, position in enumerate(positions)}
    await log.until(lambda: len(log.records(LEDGER.name)) == len(positions))
    for topic in (CHUNKS.name, LEDGER.name):
        assert {document_of(record.key).to_bytes(): record.partition for record in log.records(topic)} == {
            key: position.partition for key, position in home.items()
        }
    for partition in range(PARTITIONS):
        records = [record for record in log.records(CHUNKS.name) if record.partition == partition]
        offsets = [home[document_of(record.key).to_bytes()].offset for record in records]
        assert offsets == sorted(offsets)


@served
async def test_a_long_document_comes_in_parts(log) -> None:
    text = "\n\n".join(" ".join(f"w{i}x{j}" for j in range(250)) for i in range(130))
    parts = await log.outcome(await log.write(b"a", text.encode()))
    assert [part.part for part in parts] == [0, 1, 2]
    assert {part.parts for part in parts} == {3}
    chunks = [chunk for part in parts for chunk in part.chunks]
    assert [chunk.ordinal for chunk in chunks] == list(range(130))
    assert {part.chunk_count for part in parts} == {130}
    records = [record for record in log.records(CHUNKS.name) if record.value]
    assert [record.key for record in records] == [part_key(KEY, part) for part in range(3)]
    # The last one says, without being decoded, that the version is whole.
    assert [record.headers.get("headwater-position") for record in records] == [
        None,
        None,
        f"{records[0].partition}/0/1".encode(),
    ]


@served
async def test_parts_that_a_version_no_longer_has_are_taken_away(log) -> None:
    text = "\n\n".join(" ".join(f"w{i}x{j}" for j in range(250)) for i in range(130))
    await log.outcome(await log.write(b"a", text.encode()))
    await log.outcome(await log.write(b"a", b"short"))
    await log.until(lambda: len(log.ledger(KEY)) == 2)
    gone = [record.key for record in log.records(CHUNKS.name) if record.value is None]
    assert gone == [part_key(KEY, 1), part_key(KEY, 2)]
    assert log.ledger(KEY)[1].replaced == Parts(Lane.LIVE, 3)


@served
async def test_a_backfill_event_goes_its_own_way_and_leaves_a_marker(log) -> None:
    lane = {"headwater-lane": b"backfill", "headwater-origin": b"documents.backfill.v1/1/4/1000"}
    live = await log.write(b"a", b"live", {"headwater-version": b"1"})
    bulk = await log.write(b"a", b"bulk", {**lane, "headwater-version": b"2"})
    stale = await log.write(b"a", b"late", {**lane, "headwater-version": b"1"})
    outcomes = [(await log.outcome(position))[0].provenance for position in (live, bulk, stale)]
    assert [p.outcome for p in outcomes] == [Outcome.UPSERTED, Outcome.DEFERRED, Outcome.STALE]
    assert [p.lane for p in outcomes] == [Lane.LIVE] * 3
    await log.until(lambda: len(log.ledger(KEY)) == 2)
    (part,) = [decode(DocumentChunked, record.value) for record in log.records(CHUNKS_BACKFILL.name)]
    provenance = part.provenance
    assert (provenance.outcome, provenance.version, provenance.lane) == (Outcome.UPSERTED, 2, Lane.BACKFILL)
    assert (provenance.position, provenance.produce_time) == (bulk, 1.0)
    # The live version's part is in the other lane's topic, where nothing takes its place.
    gone = [record.key for record in log.records(CHUNKS.name) if record.value is None]
    assert gone == [part_key(KEY, 0)]
    assert {record.partition for record in log.records(CHUNKS_BACKFILL.name)} == {log.home(b"a")}


async def test_a_record_delivered_again_gives_the_same_outputs(log, settings: Settings, bus: MemoryBus) -> None:
    async with build(settings, bus=bus):
        only = await log.outcome(await log.write(b"b", b"text"))
    # As after a crash before the commit, the group starts over, with what the topics hold.
    bus.broker.groups.clear()
    async with build(settings, bus=bus):
        position = only[0].provenance.position
        twice = await log.until(lambda: [p for p in log.chunked() if p.provenance.position == position][1:])
    assert twice == only


async def test_a_superseded_record_delivered_again_is_stale(log, settings: Settings, bus: MemoryBus) -> None:
    async with build(settings, bus=bus):
        first = await log.write(b"b", b"one")
        second = await log.outcome(await log.write(b"b", b"two"))
    bus.broker.groups.clear()
    async with build(settings, bus=bus):
        await log.until(lambda: len(log.chunked()) >= 4)
    *_, stale, again = [part for part in log.chunked() if part.provenance.position.partition == first.partition]
    assert (stale.provenance.position, stale.provenance.outcome) == (first, Outcome.STALE)
    assert again == second[0]


async def test_delivered_again_a_version_takes_the_same_parts_away(log, settings: Settings, bus: MemoryBus) -> None:
    text = "\n\n".join(" ".join(f"w{i}x{j}" for j in range(250)) for i in range(130))

    def gone() -> list[bytes | None]:
        return [record.key for record in log.records(CHUNKS.name) if record.value is None]

    async with build(settings, bus=bus):
        await log.outcome(await log.write(b"a", text.encode()))
        await log.outcome(await log.write(b"a", b"short"))
    bus.broker.groups.clear()
    async with build(settings, bus=bus):
        await log.until(lambda: len(log.ledger(KEY)) == 3)
        await log.until(lambda: len(gone()) == 4)
    assert gone() == [part_key(KEY, 1), part_key(KEY, 2)] * 2
    assert log.ledger(KEY)[2] == log.ledger(KEY)[1]
