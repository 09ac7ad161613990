import asyncio

import pytest
from headwater_index.handlers.gate import CLOSING_SECONDS, PASSING_SECONDS, Gate
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.core.errors import DeadlineExceeded, Unavailable
from headwater_kit.testing.clock import ManualClock


async def passed(gate: Gate) -> None:
    async with gate.passing():
        pass


async def test_who_comes_while_it_is_closed_waits_until_it_is_left() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    async with gate.closed():
        waiting = asyncio.create_task(passed(gate))
        await clock.advance(5.0)
        assert not waiting.done()
    await clock.advance(1.0)
    await waiting


async def test_who_waits_for_long_says_so_before_it_counts_as_hanging() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    limit_seconds = LoopPolicy().attempt_seconds
    assert limit_seconds is not None
    assert limit_seconds > PASSING_SECONDS
    async with gate.closed():
        waiting = asyncio.create_task(passed(gate))
        await clock.advance(PASSING_SECONDS + 1.0)
        with pytest.raises(Unavailable):
            await waiting


async def test_it_does_not_close_on_somebody_who_stays_and_is_open_then() -> None:
    clock = ManualClock()
    gate = Gate(clock)
    async with gate.passing():
        closing = asyncio.create_task(gate.closed().__aenter__())
        await clock.advance(CLOSING_SECONDS + 1.0)
        with pytest.raises(DeadlineExceeded):
            await closing
    await passed(gate)
