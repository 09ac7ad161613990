"""Redrives through the fence: whatever is sent again, whenever and how often, the newest event of a document stays."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater_ingest.bootstrap import build
from headwater_ingest.settings import Settings
from headwater_kit.bus.letters import Criteria, Redrive, plan
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS
from headwater_kit.codec.events import decode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import DocumentKey, Position
from headwater_kit.core.events import DocumentChunked, Outcome
from headwater_kit.settings.base import MIB
from headwater_kit.testing.service import serving
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from unit.services.ingest.conftest import Log

LIMIT_BYTES = 1024
GOOD, BAD, GONE = b"good", b"b" * (LIMIT_BYTES + 1), None


@dataclass
class Model:
    """What should be served: of each document, the newest event that was not put aside."""

    newest: dict[bytes, Position] = field(default_factory=dict)
    aside: list[tuple[bytes, Position]] = field(default_factory=list)

    def take(self, key: bytes, position: Position) -> None:
        self.newest[key] = max(position, self.newest.get(key, position))


async def quiescent(log) -> None:
    """Returns once each record of documents.v1 has its chain."""

    def positions() -> set[Position]:
        values = [record.value for record in log.records(CHUNKS.name) if record.value is not None]
        return {decode(DocumentChunked, value).provenance.position for value in values}

    await log.until(lambda: len(positions()) == len(log.records(DOCUMENTS.name)))


def served(log, key: bytes) -> Position:
    """Where the event that the ledger names first stood."""
    entry = max(log.ledger(DocumentKey.from_bytes(key)), key=lambda entry: entry.version)
    return entry.origin.position if entry.origin else entry.position


async def write(log, model: Model, key: bytes, value: bytes | None, limit: int) -> None:
    position = await log.write(key, value)
    if value is not None and len(value) > limit:
        model.aside.append((key, position))
    else:
        model.take(key, position)


async def redrive(bus: MemoryBus, model: Model, chosen: Sequence[int], *, again: bool) -> None:
    """Redrives the letters of these numbers; `again` takes in those that were noted, as if the note had been lost."""
    wanted = {model.aside[number % len(model.aside)] for number in chosen} if model.aside else set()
    planned = [
        letter
        for letter in await plan(bus, Criteria(closed=again))
        if (letter.key, Position(letter.source.partition, letter.source.offset)) in wanted
    ]
    report = await Redrive(bus, SystemClock()).send(planned, lambda _: None)
    assert report.failed == []
    for letter in report.sent:
        model.take(letter.key, letter.origin.position)


WRITES = st.tuples(st.sampled_from([b"a", b"b"]), st.sampled_from([GOOD, BAD, GONE]))
REDRIVES = st.tuples(st.lists(st.integers(0, 9), max_size=4), st.booleans())


@examples(max_examples=150, deadline=None)
@given(st.lists(WRITES, min_size=1, max_size=8), st.lists(WRITES | REDRIVES, max_size=8))
async def test_whatever_is_redriven_the_newest_event_stays(
    before: list[tuple[bytes, bytes | None]], after: list[tuple[object, object]]
) -> None:
    bus = MemoryBus()
    log, model = Log(bus), Model()
    tight = fast(LIMIT_BYTES)
    async with serving(build(tight, bus=bus), tight):
        for key, value in before:
            await write(log, model, key, value, LIMIT_BYTES)
        await quiescent(log)
    fixed = fast(10 * MIB)
    async with serving(build(fixed, bus=bus), fixed):
        for first, second in after:
            if isinstance(first, list):
                await redrive(bus, model, first, again=bool(second))
            else:
                await write(log, model, first, second, 10 * MIB)
        await redrive(bus, model, [0, 1], again=True)
        await quiescent(log)
    assert {key: served(log, key) for key in model.newest} == model.newest


async def test_a_redrive_after_the_fix_brings_the_document_and_a_second_copy_changes_nothing() -> None:
    bus = MemoryBus()
    log, model = Log(bus), Model()
    tight, fixed = fast(LIMIT_BYTES), fast(10 * MIB)
    async with serving(build(tight, bus=bus), tight):
        await write(log, model, b"a", BAD, LIMIT_BYTES)
        await quiescent(log)
    assert log.ledger(DocumentKey.from_bytes(b"a")) == []
    async with serving(build(fixed, bus=bus), fixed):
        for _ in range(2):
            await redrive(bus, model, [0], again=True)
        await quiescent(log)
    (entry,) = log.ledger(DocumentKey.from_bytes(b"a"))
    assert (entry.version, entry.deleted) == (1, False)
    outcomes = [part.provenance.outcome for part in log.chunked()]
    assert outcomes == [Outcome.REJECTED, Outcome.UPSERTED, Outcome.STALE]


def fast(limit_bytes: int) -> Settings:
    return Settings(
        encoder="hash-words",
        bus="memory",
        grpc_port=0,
        metrics_port=0,
        ingest_cutter="direct",
        ingest_cache="memory",
        ingest_objects="memory",
        ingest_max_document_bytes=limit_bytes,
        drain_seconds=5.0,
    )
