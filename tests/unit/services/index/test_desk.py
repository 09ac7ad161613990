"""`reindexes.v1` as index writes and follows it."""

import random

import pytest
from headwater_index.adapters.desk import BusDesk
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.reindexes import (
    ReindexJudged,
    ReindexReported,
    ReindexSide,
    ReindexStage,
    ReindexStatus,
    ReindexTarget,
    ReindexWished,
)

CLOCK = SystemClock()
SIDE = ReindexSide("c", "l", "m", 8)
WISH = ReindexWished("1", ReindexTarget.READY, "m", 8, 1.0)
REPORT = ReindexReported("1", ReindexStage.DONE, SIDE, SIDE)


async def opened(bus: MemoryBus) -> BusDesk:
    desk = BusDesk(bus, CLOCK, random.Random(1))
    with pytest.raises(Unavailable):
        desk.is_reindexing()
    await desk.start()
    return desk


async def test_what_is_written_stands_in_the_book_and_outlives_the_process() -> None:
    bus = MemoryBus()
    desk = await opened(bus)
    await desk.write(WISH)
    assert (desk.book.wish, desk.is_reindexing()) == (WISH, True)
    await desk.write(REPORT)
    assert (desk.book.report, desk.is_reindexing()) == (REPORT, False)
    other = ReindexJudged("another", 1.0, 1, 1.0, 0, 0.0, 0.0, True, "")
    await desk.write(other)
    assert desk.book.status == ReindexStatus(REPORT)
    own = ReindexJudged("1", 1.0, 1, 1.0, 0, 0.0, 0.0, True, "")
    await desk.write(own)
    await desk.stop(Deadline.after(CLOCK, 5.0))
    again = await opened(bus)
    await again.write(WISH)
    assert again.book.status == ReindexStatus(REPORT, own)
    await again.check()
    await again.stop(Deadline.after(CLOCK, 5.0))
