"""Records beside a reply: kept when they can be, bounded in time and number, never an error."""

import asyncio

from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.publisher import Publisher, PublishPolicy
from headwater_kit.bus.topics import AUDIT
from headwater_kit.core.deadline import Deadline
from headwater_kit.testing.clock import ManualClock

RECORD = Outbound(AUDIT.name, b"tenant", b"value")


async def stored(bus: MemoryBus) -> int:
    return len(await bus.reader(AUDIT.name).poll(100, 0.0))


def world(policy: PublishPolicy) -> tuple[ManualClock, MemoryBus, Publisher]:
    clock = ManualClock()
    bus = MemoryBus(clock, MemoryBroker(clock))
    return clock, bus, Publisher(bus, [AUDIT], clock, policy)


async def test_a_record_is_kept() -> None:
    _, bus, publisher = world(PublishPolicy())
    await publisher.start()
    await publisher.publish(RECORD)
    assert await stored(bus) == 1


async def test_a_reply_waits_no_longer_than_allowed_and_the_record_comes_through_later() -> None:
    clock, bus, publisher = world(PublishPolicy(wait_seconds=0.5))
    await publisher.start()
    bus.away()
    publishing = asyncio.create_task(publisher.publish(RECORD))
    await clock.advance(0.4)
    assert not publishing.done()
    await clock.advance(0.2)
    assert publishing.done()
    bus.back()
    await publisher.stop(Deadline.after(clock, 5.0))
    assert await stored(bus) == 1


async def test_what_is_outstanding_is_bounded() -> None:
    clock, bus, publisher = world(PublishPolicy(wait_seconds=0.0, max_outstanding=3))
    await publisher.start()
    bus.away()
    for _ in range(10):
        await publisher.publish(RECORD)
    bus.back()
    await publisher.stop(Deadline.after(clock, 5.0))
    assert await stored(bus) == 3


async def test_a_publisher_that_is_not_running_loses_the_record_and_says_nothing() -> None:
    clock, bus, publisher = world(PublishPolicy())
    await publisher.publish(RECORD)
    await publisher.start()
    await publisher.stop(Deadline.after(clock, 1.0))
    await publisher.publish(RECORD)
    assert await stored(bus) == 0


async def test_stopping_keeps_its_deadline() -> None:
    clock, bus, publisher = world(PublishPolicy(wait_seconds=0.0))
    await publisher.start()
    bus.away()
    await publisher.publish(RECORD)
    stopping = asyncio.create_task(publisher.stop(Deadline.after(clock, 2.0)))
    await clock.advance(2.1)
    assert stopping.done()
