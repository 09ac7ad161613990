import asyncio

from headwater_kit.testing.clock import ManualClock


async def test_sleepers_wake_in_order_each_at_its_own_time() -> None:
    clock = ManualClock(start=0.0)
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    tasks = [asyncio.create_task(sleep("b", 2.0)), asyncio.create_task(sleep("a", 1.0))]
    await clock.advance(1.5)
    assert woken == [("a", 1.0)]
    await clock.advance(1.5)
    assert woken == [("a", 1.0), ("b", 2.0)]
    assert clock.monotonic() == 3.0
    await asyncio.gather(*tasks)


async def test_a_sleeper_that_sleeps_again_is_woken_in_the_same_advance() -> None:
    clock = ManualClock(start=0.0)
    times: list[float] = []

    async def tick() -> None:
        for _ in range(5):
            await clock.sleep(1.0)
            times.append(clock.now())

    ticking = asyncio.create_task(tick())
    await clock.advance(10.0)
    assert times == [1.0, 2.0, 3.0, 4.0, 5.0]
    await ticking


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock()
    sleeper = asyncio.create_task(clock.sleep(1.0))
    await clock.settle()
    sleeper.cancel()
    await clock.settle()
    assert clock.next_wake is None
    await clock.advance(2.0)
