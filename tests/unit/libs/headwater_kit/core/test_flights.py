import asyncio
from collections.abc import Collection, Mapping

import pytest
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, Unavailable
from headwater_kit.core.flights import Flights
from headwater_kit.testing.clock import ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st


class Maker:
    """Makes values when it is let, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let = asyncio.Event()
        self.fails = False

    async def __call__(self, keys: Collection[str]) -> Mapping[str, str]:
        self.asked += keys
        await self.let.wait()
        if self.fails:
            self.fails = False
            raise Unavailable("not now")
        return {key: key.upper() for key in keys}


@pytest.fixture
def soon() -> Deadline:
    return Deadline.after(ManualClock(), 5.0)


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), min_size=1, max_size=8))
async def test_what_is_asked_for_at_the_same_time_is_made_once(calls: list[list[str]]) -> None:
    flights, maker = Flights[str, str](), Maker()
    deadline = Deadline.after(ManualClock(), 5.0)
    asking = [asyncio.create_task(flights.values(keys, maker, deadline)) for keys in calls]
    await asyncio.sleep(0)
    maker.let.set()
    found = await asyncio.gather(*asking)
    assert found == [{key: key.upper() for key in keys} for keys in calls]
    assert sorted(maker.asked) == sorted(set().union(*calls))
    assert len(flights) == 0


async def test_who_waited_for_one_that_failed_makes_it_itself(soon: Deadline) -> None:
    flights, maker = Flights[str, str](), Maker()
    maker.fails = True
    first, second = (asyncio.create_task(flights.values(["a"], maker, soon)) for _ in range(2))
    await asyncio.sleep(0)
    maker.let.set()
    with pytest.raises(Unavailable):
        await first
    assert await second == {"a": "A"}
    assert maker.asked == ["a", "a"]


async def test_a_cancelled_maker_fails_alone_and_so_does_one_who_waits(soon: Deadline) -> None:
    flights, maker = Flights[str, str](), Maker()
    first, second, third = (asyncio.create_task(flights.values(["a"], maker, soon)) for _ in range(3))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    first.cancel()
    maker.let.set()
    assert await third == {"a": "A"}
    assert (first.cancelled(), second.cancelled(), len(flights)) == (True, True, 0)


async def test_who_waits_has_its_own_deadline(soon: Deadline) -> None:
    flights, maker, clock = Flights[str, str](), Maker(), ManualClock()
    first = asyncio.create_task(flights.values(["a"], maker, soon))
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded):
        await flights.values(["a"], maker, Deadline.after(clock, 0.0))
    maker.let.set()
    assert await first == {"a": "A"}


class LateClock(ManualClock):
    """Takes ten looks until a millisecond is over, so that any timer rings before the time is up."""

    def monotonic(self) -> float:
        self.jump(0.0001)
        return super().monotonic()


async def test_a_timer_that_rings_early_ends_no_wait(soon: Deadline) -> None:
    flights, maker = Flights[str, str](), Maker()
    first = asyncio.create_task(flights.values(["a"], maker, soon))
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded):
        await flights.values(["a"], maker, Deadline.after(LateClock(), 0.001))
    maker.let.set()
    assert await first == {"a": "A"}
