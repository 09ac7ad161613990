"""What a member of a group shows of itself."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from headwater_kit.bus.ends import LOOK_SECONDS, Ends
from headwater_kit.bus.gauges import GroupGauges, Holding, PartitionState
from headwater_kit.bus.loop import ConsumerLoop, LoopPolicy
from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import CHUNKS, PARTITIONS
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, InvalidInput
from headwater_kit.telemetry import names
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.measuring import Measured, measuring

SOURCE = TopicPartition(CHUNKS.name, 2)


@pytest.fixture
def figures() -> Iterator[Measured]:
    with measuring() as measured:
        yield measured


def test_figures_are_shown_by_partition_or_by_topic(figures: Measured) -> None:
    clock = ManualClock()
    held = [
        Holding(SOURCE, 5, clock.now() - 3.0, 2, 16),
        Holding(TopicPartition(CHUNKS.name, 3), 1, None, 1, 16, PartitionState.PAUSED),
    ]
    gauges = GroupGauges("embed", lambda: held, clock)
    assert figures.by(names.BUS_LAG, names.BUS_PARTITION) == {"2": 5, "3": 1}
    assert figures.by(names.BUS_LAG_AGE, names.BUS_PARTITION) == {"2": 3.0}
    assert figures.by(names.BUS_AT_WORK, names.BUS_GROUP) == {"embed": 3}
    assert figures.by(names.BUS_CAPACITY, names.BUS_TOPIC) == {CHUNKS.name: 32}
    assert figures.by(names.BUS_PARTITIONS, names.BUS_PARTITION_STATE) == {"flowing": 1, "paused": 1}
    gauges.close()
    assert figures.by(names.BUS_LAG, names.BUS_PARTITION) == {}


class Gated:
    """Handles records once the gate is open; refuses those that say so."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def handle(self, record: Record) -> Sequence[Outbound]:
        await self.gate.wait()
        if record.value == b"bad":
            raise InvalidInput("bad", field="value")
        return ()

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        return ()

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing."""

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def bus(clock: ManualClock) -> MemoryBus:
    bus = MemoryBus(clock, MemoryBroker(clock))
    await bus.create_topics([CHUNKS.name])
    return bus


@pytest.fixture
async def handler(bus: MemoryBus, clock: ManualClock) -> AsyncIterator[Gated]:
    """The handler of a running loop, whose partitions stand at the second dead letter."""
    handler = Gated()
    policy = LoopPolicy(max_dead_letters=1, max_in_flight=4)
    loop = ConsumerLoop(bus, "embed", [CHUNKS], handler, clock=clock, rng=random.Random(1), policy=policy)
    await loop.start()
    yield handler
    stopping = asyncio.create_task(loop.stop(Deadline.after(clock, 1.0)))
    await clock.advance(2.0)
    await stopping


async def send(bus: MemoryBus, *values: bytes) -> None:
    producer = bus.producer()
    for value in values:
        await producer.send(Outbound(CHUNKS.name, value, value, {}, SOURCE.partition))


async def test_a_loop_shows_what_it_holds_and_how_far_it_is_behind(
    figures: Measured, bus: MemoryBus, clock: ManualClock, handler: Gated
) -> None:
    await send(bus, *(b"%d" % number for number in range(9)))
    await clock.advance(LOOK_SECONDS + 1.0)
    assert figures.by(names.BUS_LAG, names.BUS_PARTITION) == {"2": 9}
    assert figures.by(names.BUS_LAG_AGE, names.BUS_PARTITION)["2"] == pytest.approx(LOOK_SECONDS + 1.0, abs=0.6)
    assert figures.by(names.BUS_CAPACITY, names.BUS_GROUP) == {"embed": 16 * PARTITIONS}
    assert figures.by(names.BUS_PARTITIONS, names.BUS_PARTITION_STATE) == {"flowing": 5, "paused": 1}
    assert figures.by(names.BUS_AT_WORK, names.BUS_GROUP)["embed"] >= 4
    handler.gate.set()
    await clock.advance(LOOK_SECONDS)
    assert figures.by(names.BUS_LAG, names.BUS_PARTITION) == {}
    assert figures.by(names.BUS_LAG_AGE, names.BUS_PARTITION) == {}
    assert figures.by(names.BUS_AT_WORK, names.BUS_GROUP) == {}


async def test_a_partition_that_stands_shows(
    figures: Measured, bus: MemoryBus, clock: ManualClock, handler: Gated
) -> None:
    handler.gate.set()
    await send(bus, b"bad", b"bad")
    await clock.advance(LOOK_SECONDS)
    assert figures.by(names.BUS_PARTITIONS, names.BUS_PARTITION_STATE)["standing"] == 1
    assert figures.by(names.BUS_LAG, names.BUS_PARTITION) == {"2": 1}


async def test_ends_outlast_a_broker_that_is_away(bus: MemoryBus, clock: ManualClock) -> None:
    await send(bus, b"x")
    ends = Ends(bus, [CHUNKS.name], clock)
    assert ends.of(SOURCE) is None
    ends.look()
    await clock.settle()
    assert ends.of(SOURCE) == 1
    await send(bus, b"y")
    ends.look()
    await clock.settle()
    assert ends.of(SOURCE) == 1, "it was asked a moment ago"
    await clock.advance(LOOK_SECONDS)
    ends.look()
    await clock.settle()
    assert ends.of(SOURCE) == 2
    await ends.close()
