"""Work that may take so long."""

import asyncio

import pytest
from headwater_kit.core.errors import DeadlineExceeded, NotFound
from headwater_kit.core.limits import within
from headwater_kit.testing.clock import ManualClock


class Work:
    """Takes a second, then returns or raises; notes if it was ended."""

    def __init__(self, clock: ManualClock, error: Exception | None = None) -> None:
        self._clock = clock
        self._error = error
        self.ended = False

    async def __call__(self) -> str:
        try:
            await self._clock.sleep(1.0)
        except asyncio.CancelledError:
            self.ended = True
            raise
        if self._error:
            raise self._error
        return "done"


async def test_what_is_done_in_time_returns_and_raises_as_it_is() -> None:
    clock = ManualClock()
    well, badly = Work(clock), Work(clock, NotFound("nothing"))
    limited = [asyncio.create_task(within(work(), clock, 2.0)) for work in (well, badly)]
    await clock.advance(1.0)
    assert await limited[0] == "done"
    with pytest.raises(NotFound):
        await limited[1]


async def test_what_takes_longer_is_ended() -> None:
    clock = ManualClock()
    work = Work(clock)
    limited = asyncio.create_task(within(work(), clock, 0.5))
    await clock.advance(0.5)
    with pytest.raises(DeadlineExceeded):
        await limited
    await clock.settle()
    assert work.ended


async def test_who_stops_waiting_ends_the_work() -> None:
    clock = ManualClock()
    work = Work(clock)
    limited = asyncio.create_task(within(work(), clock, 2.0))
    await clock.settle()
    limited.cancel()
    await clock.settle()
    assert work.ended
