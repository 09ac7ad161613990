"""Waiting for the watermark, and remembering what changed just now."""

import asyncio

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Passage, Position
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.domain.freshness import MAX_MOVES, RecentChanges, Watermark
from hypothesis import given
from hypothesis import strategies as st


def passage(document_id: str, version: int) -> Passage:
    return Passage(Chunk("c", 0, "", (), 0, 0, 0, ""), document_id, version, DocumentInfo())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50))))
def test_the_watermark_is_the_highest_offset_of_each_partition(events: list[tuple[int, int]]) -> None:
    watermark = Watermark()
    for partition, offset in events:
        watermark.advance(Position(partition, offset), 0.0)
    highest = {p: max(o for q, o in events if q == p) for p, _ in events}
    assert watermark.positions() == tuple(Position(p, o) for p, o in sorted(highest.items()))


@st.composite
def logs_of_moves(draw: st.DrawFn) -> tuple[list[list[Position | None]], list[int]]:
    """A log by partition, each record None or the place it was moved to, which holds None; and an order of reading."""
    log: list[list[Position | None]] = [[] for _ in range(3)]
    for source, home in draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=40)):
        log[home].append(None)
        if source != home:
            log[source].append(Position(home, len(log[home]) - 1))
    order = [partition for partition, records in enumerate(log) for _ in records]
    return log, draw(st.permutations(order))


@given(logs_of_moves())
def test_what_was_sent_on_is_applied_where_it_went(drawn: tuple[list[list[Position | None]], list[int]]) -> None:
    log, order = drawn
    watermark, read = Watermark(), [0, 0, 0]

    def applied(position: Position) -> bool:
        moved = log[position.partition][position.offset]
        return read[position.partition] > position.offset and (moved is None or applied(moved))

    for partition in order:
        offset, read[partition] = read[partition], read[partition] + 1
        watermark.advance(Position(partition, offset), 0.0, log[partition][offset])
        for each, records in enumerate(log):
            done = [applied(Position(each, number)) for number in range(len(records))]
            reached = done.index(False) if False in done else len(done)
            assert watermark.lag([Position(each, len(done) - 1)]) == len(done) - reached
    assert watermark.positions() == tuple(Position(p, len(records) - 1) for p, records in enumerate(log) if records)


def test_of_many_moves_the_younger_ones_are_reached_with_the_last() -> None:
    watermark = Watermark()
    for offset in range(MAX_MOVES + 5):
        watermark.advance(Position(0, offset), float(offset), Position(1, offset))
    watermark.advance(Position(1, MAX_MOVES - 2), 0.0)
    assert watermark.positions() == (Position(0, MAX_MOVES - 2), Position(1, MAX_MOVES - 2))
    assert watermark.produce_time(0) == MAX_MOVES - 1
    watermark.advance(Position(1, MAX_MOVES + 3), 0.0)
    assert watermark.lag([Position(0, MAX_MOVES - 1)]) == 1
    watermark.advance(Position(1, MAX_MOVES + 4), 0.0)
    assert watermark.lag([Position(0, MAX_MOVES + 4)]) == 0


async def test_a_wait_for_what_was_sent_on_ends_where_it_went() -> None:
    clock, watermark = ManualClock(), Watermark()
    waiting = asyncio.create_task(watermark.reach([Position(0, 2)], Deadline.after(clock, 5.0)))
    watermark.advance(Position(0, 2), 0.0, Position(1, 4))
    await clock.settle()
    assert not waiting.done()
    watermark.advance(Position(1, 4), 0.0)
    await clock.settle()
    assert waiting.result() == 0


def test_lag_is_summed_over_what_was_asked_for() -> None:
    watermark = Watermark()
    watermark.advance(Position(0, 7), 0.0)
    assert watermark.lag([Position(0, 9), Position(1, 4), Position(0, 3)]) == 2 + 5


async def test_reached_positions_do_not_wait() -> None:
    clock, watermark = ManualClock(), Watermark()
    watermark.advance(Position(0, 7), 0.0)
    assert await watermark.reach([Position(0, 7)], Deadline.after(clock, 0.0)) == 0


async def test_a_wait_ends_when_the_index_arrives() -> None:
    clock, watermark = ManualClock(), Watermark()
    waiting = asyncio.create_task(watermark.reach([Position(0, 2), Position(1, 1)], Deadline.after(clock, 5.0)))
    watermark.advance(Position(0, 2), 0.0)
    await clock.settle()
    assert not waiting.done()
    watermark.advance(Position(1, 3), 0.0)
    await clock.settle()
    assert waiting.done()
    assert waiting.result() == 0
    assert clock.next_wake is None


async def test_a_wait_that_is_too_long_says_how_far_behind() -> None:
    clock, watermark = ManualClock(), Watermark()
    waiting = asyncio.create_task(watermark.reach([Position(0, 9)], Deadline.after(clock, 2.0)))
    watermark.advance(Position(0, 4), 0.0)
    await clock.advance(1.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert await waiting == 5


async def test_a_caller_that_goes_away_leaves_nothing_behind() -> None:
    clock, watermark = ManualClock(), Watermark()
    waiting = asyncio.create_task(watermark.reach([Position(0, 9)], Deadline.after(clock, 2.0)))
    await clock.settle()
    waiting.cancel()
    await clock.settle()
    assert clock.next_wake is None
    watermark.advance(Position(0, 9), 0.0)


async def test_changes_hide_older_versions_for_a_while() -> None:
    clock = ManualClock()
    changes = RecentChanges(clock, window_seconds=60.0)
    changes.note(DocumentKey("t", "doc"), 3)
    assert not changes.allows("t", passage("doc", 2))
    assert changes.allows("t", passage("doc", 3))
    assert changes.allows("t", passage("doc", 4))
    assert changes.allows("u", passage("doc", 2))
    await clock.advance(61.0)
    changes.note(DocumentKey("t", "other"), 1)
    assert len(changes) == 1


def test_what_is_remembered_is_bounded() -> None:
    changes = RecentChanges(ManualClock(), max_documents=10)
    for number in range(50):
        changes.note(DocumentKey("t", f"d{number}"), 2)
    assert len(changes) == 10
    assert not changes.allows("t", passage("d49", 1))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9))))
def test_what_comes_late_never_brings_a_version_back(noted: list[tuple[str, int]]) -> None:
    changes = RecentChanges(ManualClock())
    for document_id, floor in noted:
        changes.note(DocumentKey("t", document_id), floor)
    for document_id in "ab":
        highest = max((floor for noted_id, floor in noted if noted_id == document_id), default=0)
        assert [version for version in range(12) if changes.allows("t", passage(document_id, version))] == list(
            range(highest, 12)
        )
