"""The backfill lane, as wired: bulk into `documents.v1` as there is room."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from headwater_ingest.adapters.finals import TopicFinals
from headwater_ingest.adapters.ledger import TopicLedger
from headwater_ingest.adapters.merging import Seen
from headwater_ingest.adapters.rows.memory import MemoryRows
from headwater_ingest.bootstrap import build
from headwater_ingest.domain.objects import reference_to
from headwater_ingest.handlers import BulkEvent, FairTurns, LetIn
from headwater_ingest.handlers.letting_in import FINAL_SECONDS
from headwater_ingest.settings import Settings
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import DOCUMENTS, DOCUMENTS_BACKFILL
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import DocumentInfo, DocumentKey, Lane, Origin, Position
from headwater_kit.core.events import DocumentIndexed, DocumentUpserted, Outcome, Provenance
from headwater_kit.settings.base import MIB
from headwater_kit.testing.clock import ManualClock

GROUP = "ingest-backfill"
READ_SECONDS = 10.0


class Bulk:
    """The lane's topic, and what of it has come through."""

    def __init__(self, log) -> None:
        self.log = log
        self.producer = log.bus.producer()

    async def write(self, key: bytes | None, value: bytes | None = b"text", **headers: bytes) -> Position:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        ack = await self.producer.send(Outbound(DOCUMENTS_BACKFILL.name, key, value, named))
        return Position(ack.partition, ack.offset)

    def let_in(self) -> list[Record]:
        return [record for record in self.log.records(DOCUMENTS.name) if "headwater-lane" in record.headers]

    async def finish(self, record: Record) -> None:
        """Announces on `indexed.v1` that a record that was let in is final."""
        position = Position(record.partition, record.offset)
        (part,) = await self.log.outcome(position)
        provenance = part.provenance
        if provenance.outcome is Outcome.DEFERRED:
            # As the index does: the marker first, then what the lane's own chain brings.
            await self.log.index(DocumentKey.from_bytes(record.key), provenance)
            provenance = Provenance(position, 1.0, Outcome.UPSERTED, provenance.version, lane=Lane.BACKFILL)
        key = DocumentKey.from_bytes(record.key) if record.key else DocumentKey("headwater-no-document", "0")
        await self.log.index(key, provenance)

    def done(self) -> int:
        """How many records of the lane are committed."""
        group = self.log.bus.broker.groups.get(GROUP)
        return sum(group.committed.values()) if group else 0

    async def until_done(self, count: int) -> None:
        """Returns once so many are; a commit wakes nobody."""
        async with asyncio.timeout(READ_SECONDS):
            while self.done() < count:
                await self.log.bus.broker.wait(0.05)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"ingest_backfill_documents": 2})


@pytest.fixture
def bulk(log) -> Bulk:
    return Bulk(log)


@pytest.fixture
async def service(settings: Settings, bus: MemoryBus) -> AsyncIterator[None]:
    async with build(settings, bus=bus):
        yield


served = pytest.mark.usefixtures("service")


@served
async def test_bulk_goes_in_with_its_lane_and_its_origin_and_is_done_when_final(log, bulk: Bulk) -> None:
    place = await bulk.write(b"a", b"text", other=b"header")
    (record,) = await log.until(bulk.let_in)
    assert (record.key, record.value, record.partition) == (b"a", b"text", log.home(b"a"))
    assert (record.headers["headwater-lane"], record.headers["other"]) == (b"backfill", b"header")
    assert record.headers["headwater-origin"].startswith(
        f"documents.backfill.v1/{place.partition}/{place.offset}/".encode()
    )
    await log.outcome(Position(record.partition, record.offset))
    assert bulk.done() == 0
    await bulk.finish(record)
    await bulk.until_done(1)


@served
async def test_no_more_go_in_at_once_than_there_are_credits(log, bulk: Bulk) -> None:
    for number in range(10):
        await bulk.write(f"doc-{number}".encode())
    finished: set[bytes | None] = set()
    while len(finished) < 10:
        expected = min(10, len(finished) + 2)
        await log.until(lambda expected=expected: len(bulk.let_in()) >= expected)
        assert len(bulk.let_in()) == expected
        record = next(record for record in bulk.let_in() if record.key not in finished)
        await bulk.finish(record)
        finished.add(record.key)
    await bulk.until_done(10)


async def test_what_is_long_on_its_way_is_let_in_once() -> None:
    clock, key, place = ManualClock(), DocumentKey("default", "a"), Position(3, 7)
    produced: list[Position] = []

    async def produce() -> Position:
        produced.append(place)
        return place

    finals = TopicFinals(MemoryRows().get, clock)
    letting = LetIn(FairTurns(1, MIB), TopicLedger(MemoryRows().get), finals, clock)
    event = BulkEvent(key, Origin(DOCUMENTS_BACKFILL.name, Position(0, 0), 1.0), 1)
    waiting = asyncio.create_task(letting.let_in(event, produce))
    await clock.advance(10 * FINAL_SECONDS)
    assert not waiting.done()
    value = encode(DocumentIndexed(Provenance(place, 1.0, Outcome.UPSERTED, 1), 1.0, 1))
    finals.on_indexed(Seen(key.to_bytes(), value, place.partition, None, is_news=True))
    await waiting
    assert produced == [place]


class TestBytes:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"ingest_backfill_bytes": 2 * 1024 * 1024})

    @served
    async def test_of_bodies_that_lie_elsewhere_count_too(self, log, bulk: Bulk) -> None:
        reference = reference_to("default", b"x" * 1_500_000)
        value = encode(DocumentUpserted(DocumentInfo(), b"", body_object=reference))
        for number in range(2):
            await bulk.write(f"doc-{number}".encode(), value, content_type=b"application/x-protobuf")
        await log.until(bulk.let_in)
        for _ in range(20):
            await log.bus.broker.wait(0.01)
        assert len(bulk.let_in()) == 1


@served
@pytest.mark.parametrize(("key", "value"), [(None, b"text"), (b"\xff", b"text"), (b"a", b"\xff"), (b"a", None)])
async def test_whatever_stands_in_the_lane_is_judged_in_one_place(log, bulk: Bulk, key, value) -> None:
    await bulk.write(key, value)
    (record,) = await log.until(bulk.let_in)
    assert (record.key, record.value) == (key, value)
    (part,) = await log.outcome(Position(record.partition, record.offset))
    expected = Outcome.DEFERRED if value is None else Outcome.REJECTED
    assert part.provenance.outcome is expected
    key_of = DocumentKey("default", "a") if key == b"a" else DocumentKey("headwater-no-document", "0")
    final = Outcome.DELETED if value is None else Outcome.REJECTED
    await log.index(key_of, Provenance(part.provenance.position, 1.0, final, 1))
    await bulk.until_done(1)


@served
async def test_a_redriven_letter_of_the_lane_keeps_its_first_place(log, bulk: Bulk) -> None:
    await bulk.write(b"a", headwater_origin=b"documents.backfill.v1/5/7/1000")
    (record,) = await log.until(bulk.let_in)
    assert record.headers["headwater-origin"] == b"documents.backfill.v1/5/7/1000"
    (part,) = await log.outcome(Position(record.partition, record.offset))
    assert part.provenance.produce_time == 1.0


async def test_what_was_let_in_before_a_crash_is_not_let_in_again(log, bulk: Bulk, settings, bus) -> None:
    async with build(settings, bus=bus):
        await bulk.write(b"a")
        (record,) = await log.until(bulk.let_in)
        await log.until(lambda: log.ledger(DocumentKey("default", "a")))
    async with build(settings, bus=bus):
        await bulk.finish(record)
        await bulk.until_done(1)
    assert len(bulk.let_in()) == 1


async def test_what_was_final_before_a_crash_is_done_at_once(log, bulk: Bulk, settings, bus) -> None:
    async with build(settings, bus=bus):
        await bulk.write(b"a")
        (record,) = await log.until(bulk.let_in)
        await bulk.finish(record)
        await bulk.until_done(1)
    del bus.broker.groups[GROUP]
    async with build(settings, bus=bus):
        await bulk.until_done(1)
    assert len(bulk.let_in()) == 1


@served
async def test_a_live_edit_is_older_than_no_bulk_that_was_produced_before_it(log, bulk: Bulk) -> None:
    live = await log.write(b"a", b"live")
    await log.outcome(live)
    await bulk.write(b"a", headwater_origin=b"documents.backfill.v1/5/7/1000")
    (record,) = await log.until(bulk.let_in)
    (part,) = await log.outcome(Position(record.partition, record.offset))
    assert (part.provenance.outcome, part.provenance.lane) == (Outcome.STALE, Lane.LIVE)
    await bulk.finish(record)
    await bulk.until_done(1)


async def test_a_service_with_bulk_waiting_ends_soon(log, bulk: Bulk, settings, bus) -> None:
    async with asyncio.timeout(4.0), build(settings, bus=bus):
        for number in range(20):
            await bulk.write(f"doc-{number}".encode())
        await log.until(bulk.let_in)
