"""As fresh as asked, or NOT_YET: against a log whose times are known."""

import asyncio

import pytest
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Freshness, Position
from headwater_kit.core.errors import DeadlineExceeded, NotYet, Unavailable
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.adapters.memory import TimedLog
from headwater_retrieve.domain.freshness import Watermark
from headwater_retrieve.domain.staleness import Lag
from headwater_retrieve.handlers import IndexProgress
from hypothesis import given
from hypothesis import strategies as st

START = 1_000.0


class World:
    """A log, an index that follows it by hand, and what retrieve knows of both."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.log = TimedLog()
        self.watermark = Watermark()
        self.progress = IndexProgress(self.watermark, self.log, self.clock)

    def produce(self, partition: int, seconds_ago: float) -> Position:
        """An event that its producer says is so old."""
        return Position(partition, self.log.append(partition, self.clock.now() - seconds_ago))

    def apply(self, position: Position, seconds_ago: float = 0.0) -> None:
        """The index comes as far as this."""
        self.watermark.advance(position, self.clock.now() - seconds_ago)

    async def reach(self, freshness: Freshness, seconds: float = 10.0) -> None:
        """Asks with so much time; whoever waits gets all of it at once."""
        asked = asyncio.ensure_future(self.progress.reach(freshness, Deadline.after(self.clock, seconds)))
        await self.clock.advance(seconds)
        await asked

    async def lag(self) -> Lag:
        """As `GetWatermark`."""
        return await self.progress.lag()


@pytest.fixture
def world() -> World:
    return World()


@given(
    logs=st.lists(st.lists(st.integers(0, 60_000), max_size=6), max_size=3),
    applied=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    max_staleness_ms=st.integers(0, 60_000),
)
async def test_a_search_is_refused_exactly_while_something_older_is_missing(
    logs: list[list[int]], applied: list[int], max_staleness_ms: int
) -> None:
    world, missing = World(), []
    for partition, ages_ms in enumerate(logs):
        ages_ms.sort(reverse=True)
        for offset, age_ms in enumerate(ages_ms):
            position = world.produce(partition, age_ms / 1_000)
            if offset < applied[partition]:
                world.apply(position, age_ms / 1_000)
            elif age_ms > max_staleness_ms or max_staleness_ms == 0:
                missing.append(age_ms)
    asking = world.reach(Freshness(wait_ms=1, max_staleness_ms=max_staleness_ms), seconds=0.1)
    if not missing:
        await asking
        return
    with pytest.raises(NotYet) as refusal:
        await asking
    assert refusal.value.lag == len(missing)
    assert refusal.value.staleness_ms >= max_staleness_ms


async def test_a_search_waits_for_what_is_too_old_to_miss(world: World) -> None:
    old, new = world.produce(0, 9.0), world.produce(0, 1.0)
    asked = Freshness(wait_ms=3_000, max_staleness_ms=5_000)
    asking = asyncio.ensure_future(world.progress.reach(asked, Deadline.after(world.clock, 10.0)))
    await world.clock.advance(2.0)
    assert not asking.done()
    # What was young enough when the call came is not waited for, old as it may have grown.
    world.apply(old)
    await asking
    assert world.watermark.lag([new]) == 1


async def test_no_staleness_at_all_is_everything_in_the_log_when_the_call_comes(world: World) -> None:
    world.apply(world.produce(0, 5.0))
    await world.reach(Freshness(max_staleness_ms=0))
    last = world.produce(1, 0.0)
    with pytest.raises(NotYet) as refusal:
        await world.reach(Freshness(max_staleness_ms=0))
    assert refusal.value.lag == 1
    world.apply(last)
    await world.reach(Freshness(max_staleness_ms=0))


async def test_both_kinds_of_freshness_are_kept(world: World) -> None:
    world.apply(world.produce(0, 9.0))
    written = world.produce(0, 0.5)
    with pytest.raises(NotYet):
        await world.reach(Freshness((written,), max_staleness_ms=5_000))
    world.apply(written)
    await world.reach(Freshness((written,), max_staleness_ms=5_000))


async def test_a_refusal_says_how_old_the_state_is(world: World) -> None:
    world.apply(world.produce(0, 8.0), seconds_ago=8.0)
    world.produce(0, 6.0)
    with pytest.raises(NotYet, match=r"1 records behind and shows the state of 1\d\.\d s ago") as refusal:
        await world.reach(Freshness(max_staleness_ms=5_000), seconds=3.0)
    assert refusal.value.staleness_ms == pytest.approx(10_000, abs=100)


async def test_positions_alone_do_not_ask_the_broker(world: World) -> None:
    world.log.away = True
    written = world.produce(0, 0.0)
    world.apply(written)
    await world.reach(Freshness((written,)))
    assert world.log.calls == 0


async def test_a_search_that_asks_for_staleness_asks_the_broker_once(world: World) -> None:
    world.produce(0, 9.0)
    with pytest.raises(NotYet):
        await world.reach(Freshness(max_staleness_ms=1_000))
    assert world.log.calls == 1


async def test_a_broker_that_is_away_is_no_reason_to_guess(world: World) -> None:
    world.log.away = True
    with pytest.raises(Unavailable):
        await world.reach(Freshness(max_staleness_ms=1_000))
    with pytest.raises(Unavailable):
        await world.lag()


async def test_a_bound_from_before_time_is_met_by_anything(world: World) -> None:
    world.produce(0, 9.0)
    await world.reach(Freshness(max_staleness_ms=2**63 - 1))


async def test_a_call_whose_time_is_up_asks_nothing(world: World) -> None:
    with pytest.raises(DeadlineExceeded):
        await world.progress.reach(Freshness(max_staleness_ms=0), Deadline.after(world.clock, 0.0))
    assert world.log.calls == 0


async def test_lag_counts_records_and_time(world: World) -> None:
    world.apply(world.produce(0, 60.0), seconds_ago=60.0)
    world.apply(world.produce(1, 30.0), seconds_ago=30.0)
    assert await world.lag() == Lag(0, 0)
    world.produce(0, 0.0)
    world.produce(0, 0.0)
    await world.clock.advance(2.0)
    # It was level two seconds ago, whatever the age of what it holds.
    assert await world.lag() == Lag(2, 2_000)


async def test_lag_that_was_never_seen_level_counts_from_the_last_applied_event(world: World) -> None:
    world.apply(world.produce(0, 60.0), seconds_ago=60.0)
    world.produce(0, 10.0)
    assert await world.lag() == Lag(1, 60_000)


async def test_a_partition_of_which_nothing_was_ever_applied_counts_from_the_first_look(world: World) -> None:
    world.produce(0, 60.0)
    assert await world.lag() == Lag(1, 0)
    await world.clock.advance(3.0)
    assert await world.lag() == Lag(1, 3_000)


async def test_the_broker_is_asked_seldom_by_those_who_ask_often(world: World) -> None:
    await asyncio.gather(*(world.lag() for _ in range(50)))
    await world.clock.advance(0.4)
    await world.lag()
    assert world.log.calls == 1
    await world.clock.advance(0.2)
    await world.lag()
    assert world.log.calls == 2


async def test_a_silent_broker_is_asked_once_for_all_who_wait(world: World) -> None:
    world.log.away = True
    refused = await asyncio.gather(*(world.lag() for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in refused} == {Unavailable}
    assert world.log.calls == 1
