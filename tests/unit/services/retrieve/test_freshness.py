"""Waiting for the watermark, and remembering what changed just now."""

import asyncio

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Passage, Position
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from hypothesis import given, settings
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


@settings(deadline=None)
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
