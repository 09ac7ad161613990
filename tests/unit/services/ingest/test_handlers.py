import asyncio
import random
import threading
from pathlib import Path

import pytest
from headwater_inference.tokens import WordCounter
from headwater_ingest.adapters.direct import DirectCutter
from headwater_ingest.adapters.followed import FollowedTopic
from headwater_ingest.adapters.ledger import TopicLedger
from headwater_ingest.adapters.log import BusDocumentLog
from headwater_ingest.adapters.merging import Seen, later_version
from headwater_ingest.adapters.objects import ObstoreObjects, memory
from headwater_ingest.adapters.rows.memory import MemoryRows
from headwater_ingest.adapters.rows.sqlite import SqliteRows
from headwater_ingest.domain.blocks import MAX_HEADING_CHARACTERS
from headwater_ingest.domain.chunking import ChunkPolicy
from headwater_ingest.domain.cutting import CutDocument
from headwater_ingest.domain.objects import reference_to
from headwater_ingest.domain.parts import MAX_PART_CHUNKS, VECTOR_BYTES, parts_of
from headwater_ingest.domain.validation import (
    MAX_METADATA_BYTES,
    MAX_SOURCE_URI_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    DocumentRules,
)
from headwater_ingest.domain.versions import DocumentEvent
from headwater_ingest.handlers import ApplyDocuments
from headwater_ingest.handlers.applying import MAX_FETCHED_BODIES
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import LEDGER, MAX_RECORD_BYTES
from headwater_kit.codec.events import encode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Lane, Position
from headwater_kit.core.errors import Overloaded, Unavailable
from headwater_kit.core.events import DocumentUpserted, LedgerEntry, Outcome, Provenance
from headwater_kit.testing.clock import ManualClock

KEY = DocumentKey("t", "d")
RULES = DocumentRules(1024)


class GatedCutter(DirectCutter):
    """Finishes a body only when told to."""

    def __init__(self) -> None:
        super().__init__(WordCounter(), ChunkPolicy())
        self.gates = {b"first": asyncio.Event(), b"second": asyncio.Event()}

    async def cut(self, media_type: str, body: bytes, title: str) -> CutDocument:
        await self.gates[body].wait()
        return await super().cut(media_type, body, title)


async def test_an_event_that_is_overtaken_while_it_is_cut_is_stale() -> None:
    # Two spellings of one key are two keys to the consumer.
    cutter, ledger = GatedCutter(), TopicLedger(MemoryRows().get)
    store = ObstoreObjects(memory(), ManualClock(), 1.0)
    handlers = ApplyDocuments(RULES, ledger, cutter, store, ManualClock(), wait_seconds=1.0)
    first, second = (
        asyncio.create_task(handlers.apply(DocumentEvent(KEY, Position(0, offset), 1.0, write(body))))
        for offset, body in enumerate((b"first", b"second"))
    )
    cutter.gates[b"second"].set()
    assert (await second).parts[0].provenance.outcome is Outcome.UPSERTED
    cutter.gates[b"first"].set()
    assert (await first).parts[0].provenance.outcome is Outcome.STALE
    latest = ledger.latest(KEY)
    assert latest is not None
    assert latest.position == Position(0, 1)


class SilentStore(ObstoreObjects):
    """Does not answer, as a store that hangs."""

    def __init__(self) -> None:
        super().__init__(memory(), ManualClock(), 1.0)
        self.asked = 0

    async def get(self, name: str) -> bytes:
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError(name)


async def test_a_large_body_that_waits_behind_a_silent_store_says_so_before_it_counts_as_one_that_hangs() -> None:
    ledger, cutter = TopicLedger(MemoryRows().get), DirectCutter(WordCounter(), ChunkPolicy())
    store = SilentStore()
    handlers = ApplyDocuments(RULES, ledger, cutter, store, ManualClock(), wait_seconds=0.01)
    body = DocumentUpserted(DocumentInfo(), b"", body_object=reference_to(KEY.tenant, b"body"))
    events = [DocumentEvent(KEY, Position(0, offset), 1.0, body) for offset in range(MAX_FETCHED_BODIES + 1)]
    *fetching, waiting = (asyncio.create_task(handlers.apply(event)) for event in events)
    async with asyncio.timeout(5.0):
        with pytest.raises(Unavailable):
            await waiting
        assert store.asked == MAX_FETCHED_BODIES
        # What is given up makes room.
        fetching[0].cancel()
        again = asyncio.create_task(handlers.apply(events[0]))
        while store.asked == MAX_FETCHED_BODIES:
            await asyncio.sleep(0)
    for task in (*fetching, again):
        task.cancel()


def write(body: bytes) -> DocumentUpserted:
    return DocumentUpserted(DocumentInfo(), body)


@pytest.mark.parametrize("times", [1, 10])
def test_the_largest_parts_fit_into_a_record_with_their_vectors(times: int) -> None:
    text, path = "𐍈" * ChunkPolicy().max_characters * times, ("𐍈" * MAX_HEADING_CHARACTERS,) * 6
    chunk = Chunk("0" * 32, 10**6, text, path, 10**7, 10**7, 10**3, "0" * 32)
    info = DocumentInfo(
        "𐍈" * MAX_TITLE_CHARACTERS, "𐍈" * MAX_SOURCE_URI_CHARACTERS, "text/markdown", {"k": "v" * MAX_METADATA_BYTES}
    )
    provenance = Provenance(Position(5, 2**62), 1e10, Outcome.UPSERTED, 2**62)
    parts = parts_of(provenance, info, (chunk,) * 150)
    assert sum(len(part.chunks) for part in parts) == 150
    for part in parts:
        assert len(encode(part)) + len(part.chunks) * VECTOR_BYTES < MAX_RECORD_BYTES - 64 * 1024


def test_small_chunks_are_parted_by_their_number() -> None:
    chunk = Chunk("0" * 32, 0, "text", (), 0, 4, 1, "0" * 32)
    parts = parts_of(Provenance(Position(0, 0), 1.0, Outcome.UPSERTED, 1), DocumentInfo(), (chunk,) * 130)
    assert [len(part.chunks) for part in parts] == [MAX_PART_CHUNKS, MAX_PART_CHUNKS, 2]
    assert [(part.part, part.parts, part.chunk_count) for part in parts] == [(0, 3, 130), (1, 3, 130), (2, 3, 130)]


def entry(version: int) -> LedgerEntry:
    return LedgerEntry(version, False, Position(3, version), 1.0)


def test_what_was_accepted_gives_way_to_what_the_topic_says() -> None:
    rows = MemoryRows()
    ledger = TopicLedger(rows.get)
    for version in (1, 2):
        ledger.accept(KEY, entry(version))
    older = encode(entry(1))
    rows.put(KEY.to_bytes(), older, 3, 1)
    ledger.confirm(Seen(KEY.to_bytes(), older, 3, None, is_news=True))
    assert (ledger.latest(KEY).version, ledger.published(KEY).version) == (2, 1)
    ledger.forget({4})
    assert ledger.latest(KEY).version == 2
    ledger.forget({3})
    assert ledger.latest(KEY).version == 1
    # Another process was ahead, and what it wrote is not yet told on.
    ledger.accept(KEY, entry(2))
    rows.put(KEY.to_bytes(), encode(entry(3)), 3, 2)
    assert ledger.latest(KEY).version == 3


async def test_writes_beyond_the_limit_are_refused_at_once() -> None:
    bus = MemoryBus()
    log = BusDocumentLog(bus, max_outstanding_bytes=100)
    await log.start()
    bus.away()
    # Larger than the limit, but nothing else is under way.
    waiting = asyncio.create_task(log.append(KEY, write(b"x" * 200), None, Lane.LIVE))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await log.append(KEY, write(b"x"), None, Lane.LIVE)
    bus.back()
    await waiting
    await log.append(KEY, write(b"x"), None, Lane.LIVE)
    await log.stop(Deadline.after(SystemClock(), 1.0))


async def test_rows_are_opened_beside_the_event_loop(tmp_path: Path) -> None:
    clock, opened_in = ManualClock(), []

    def open_rows() -> SqliteRows:
        opened_in.append(threading.get_ident())
        return SqliteRows(tmp_path / "ledger.sqlite3")

    bus = MemoryBus(clock)
    await bus.producer().send(Outbound(LEDGER.name, b"new", encode(entry(1)), partition=0))
    followed = FollowedTopic(bus, LEDGER, later_version, open_rows, clock=clock, rng=random.Random(0))
    await followed.start()
    await followed.wait_caught_up(Deadline.after(clock, 1.0))
    assert followed.get(b"new") == encode(entry(1))
    await followed.stop(Deadline.after(clock, 1.0))
    assert len(opened_in) == 1
    assert opened_in != [threading.get_ident()]


async def test_rows_of_a_topic_that_was_made_anew_are_forgotten() -> None:
    clock, rows = ManualClock(), MemoryRows()
    rows.put(b"old", encode(entry(7)), 0, 5)
    rows.close = lambda: None
    bus = MemoryBus(clock)
    await bus.producer().send(Outbound(LEDGER.name, b"new", encode(entry(1)), partition=0))
    followed = FollowedTopic(bus, LEDGER, later_version, lambda: rows, clock=clock, rng=random.Random(0))
    await followed.start()
    await followed.wait_caught_up(Deadline.after(clock, 1.0))
    assert (followed.get(b"old"), followed.get(b"new")) == (None, encode(entry(1)))
    await followed.stop(Deadline.after(clock, 1.0))
