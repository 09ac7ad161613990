"""What a process does that was stopped and started again: nothing, until it knows what is still its own."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest
from headwater_kit.bus.lease import Lease, Moment
from headwater_kit.bus.loop import ConsumerLoop
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.testing.clock import ManualClock

GROUP = "ingest"
STOPPED_SECONDS = 30.0


class Signed:
    """Copies records to chunks.v1 with its name before them, each when its gate is open."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.gate = asyncio.Event()
        self.begun: list[bytes | None] = []
        self.gone: list[TopicPartition] = []

    async def handle(self, record: Record) -> Sequence[Outbound]:
        self.begun.append(record.value)
        await self.gate.wait()
        return [Outbound(CHUNKS.name, record.key, self.name + (record.value or b""), {}, record.partition)]

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        return ()

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        return

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.gone += partitions


class Platform:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.bus = MemoryBus(self.clock)
        self.loops: list[ConsumerLoop] = []

    async def join(self, handler: Signed) -> ConsumerLoop:
        loop = ConsumerLoop(self.bus, GROUP, [DOCUMENTS], handler, clock=self.clock, rng=random.Random(1))
        await loop.start()
        self.loops.append(loop)
        await self.clock.settle()
        return loop

    async def produce(self, *values: bytes) -> None:
        producer = self.bus.producer()
        for value in values:
            await producer.send(Outbound(DOCUMENTS.name, value, value, {}, 0))
        await self.clock.settle()

    def stop_process(self) -> None:
        """The only member's process stands still, and the group puts it out."""
        self.clock.jump(STOPPED_SECONDS)
        (member,) = self.bus.broker.group(GROUP).members
        self.bus.broker.group(GROUP).leave(member)

    @property
    def outputs(self) -> list[bytes | None]:
        return [record.value for record in self.bus.broker.records(CHUNKS.name)]


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform()
    yield platform
    for loop in platform.loops:
        stopping = asyncio.create_task(loop.stop(Deadline.after(platform.clock, 0.1)))
        await platform.clock.advance(0.1)
        await stopping


async def test_what_was_handled_while_stopped_is_not_emitted_by_who_lost_the_partition(platform: Platform) -> None:
    first, second = Signed(b"first "), Signed(b"second ")
    await platform.join(first)
    await platform.produce(b"a", b"b")
    assert first.begun == [b"a", b"b"]
    platform.stop_process()
    first.gate.set()
    second.gate.set()
    await platform.clock.settle()
    assert platform.outputs == []
    await platform.join(second)
    await platform.clock.advance(1.0)
    assert platform.outputs == [b"second a", b"second b"]
    assert platform.bus.broker.group(GROUP).committed[TopicPartition(DOCUMENTS.name, 0)] == 2


async def test_what_was_taken_before_the_stop_is_not_handled_after_it(platform: Platform) -> None:
    first = Signed(b"first ")
    # Of one key: the second waits for the first.
    await platform.join(first)
    producer = platform.bus.producer()
    for value in (b"a", b"b"):
        await producer.send(Outbound(DOCUMENTS.name, b"k", value, {}, 0))
    await platform.clock.settle()
    assert first.begun == [b"a"]
    platform.stop_process()
    first.gate.set()
    await platform.clock.settle()
    assert first.begun == [b"a"]


async def test_a_stopped_process_joins_anew_and_handles_again_what_it_had(platform: Platform) -> None:
    only = Signed(b"")
    loop = await platform.join(only)
    await platform.produce(b"a")
    platform.clock.jump(STOPPED_SECONDS)
    only.gate.set()
    await platform.clock.advance(2.0)
    assert (only.begun, platform.outputs) == ([b"a", b"a"], [b"a"])
    assert len(only.gone) == platform.bus.broker.partitions
    await loop.check()


async def test_a_process_that_was_slow_for_less_than_its_lease_goes_on(platform: Platform) -> None:
    only = Signed(b"")
    await platform.join(only)
    await platform.produce(b"a")
    platform.clock.jump(3.0)
    only.gate.set()
    await platform.clock.settle()
    assert (only.begun, platform.outputs, only.gone) == ([b"a"], [b"a"], [])


class TwoTimes(ManualClock):
    """A machine that slept: its monotonic time stood still."""

    slept = 0.0

    def now(self) -> float:
        return super().now() + self.slept


async def test_the_sleep_of_a_machine_counts() -> None:
    clock = TwoTimes()
    lease = Lease(clock, 5.0)
    await lease.held()
    clock.slept = 60.0
    waiting = asyncio.create_task(lease.held())
    await clock.settle()
    assert not waiting.done()
    lease.renew(Moment.now(clock))
    await clock.settle()
    assert waiting.done()
