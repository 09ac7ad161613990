"""The consumer loop on a real broker: members come, go and are killed."""

import asyncio
import os
import random
import signal
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

import pytest
from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as Partition
from confluent_kafka.admin import AdminClient
from headwater_kit.bus.kafka import KafkaBus, KafkaConfig
from headwater_kit.bus.loop import ConsumerLoop
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.scan import end_offsets, scan
from headwater_kit.bus.topics import AUDIT, PARTITIONS, QUESTIONS, dead_letter
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError

# Read by nobody else in this suite, so that what is counted is this test's alone.
SOURCE, SINK, GROUP = QUESTIONS, AUDIT, "generate"
RECORDS = 600
CLOCK = SystemClock()
Protocol = Literal["classic", "consumer"]


class Copy:
    """Copies records that begin with its token to the sink, each after a moment, and signs them."""

    def __init__(self, token: bytes, name: bytes = b"", seconds: float = 0.01) -> None:
        self._token = token
        self._name = name
        self._seconds = seconds
        self.partitions: set[TopicPartition] = set()

    async def handle(self, record: Record) -> Sequence[Outbound]:
        if not (record.value or b"").startswith(self._token):
            return ()
        await asyncio.sleep(self._seconds)
        return [Outbound(SINK.name, record.key, record.value, {"by": self._name}, record.partition)]

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        return ()

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.partitions |= set(partitions)

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.partitions -= set(partitions)


def connect(bootstrap: str, protocol: Protocol = "classic", instance: str = "") -> KafkaBus:
    return KafkaBus(KafkaConfig({"bootstrap.servers": bootstrap}, group_protocol=protocol, group_instance_id=instance))


def member(bus: KafkaBus, copy: Copy) -> ConsumerLoop:
    return ConsumerLoop(bus, GROUP, [SOURCE], copy, clock=CLOCK, rng=random.Random(1))


async def produce(bus: KafkaBus, token: bytes, seconds: float) -> None:
    """Spreads the records over the time that the members need to come and go."""
    producer = bus.producer()
    for number in range(RECORDS):
        await producer.send(Outbound(SOURCE.name, b"key-%d" % (number % 40), b"%s:%d" % (token, number)))
        await asyncio.sleep(seconds / RECORDS)
    await producer.close()


async def copies(bus: KafkaBus, token: bytes) -> dict[int, list[int]]:
    """Waits until every record was copied; returns the copies' numbers by partition."""
    signed = await signed_copies(bus, token)
    return {partition: [number for number, _ in found] for partition, found in signed.items()}


async def signed_copies(bus: KafkaBus, token: bytes) -> dict[int, list[tuple[int, bytes]]]:
    """As `copies`, each with who made it: all that are there once none is missing, repeated ones too."""
    async with asyncio.timeout(60.0):
        while True:
            found: defaultdict[int, list[tuple[int, bytes]]] = defaultdict(list)
            async for records in scan(bus, SINK.name):
                for record in records:
                    if (record.value or b"").startswith(token):
                        number = int((record.value or b"").split(b":")[1])
                        found[record.partition].append((number, record.headers["by"]))
            if len({number for signed in found.values() for number, _ in signed}) == RECORDS:
                return found
            await asyncio.sleep(0.2)


def assert_in_order(found: dict[int, list[int]]) -> None:
    """First copies come in source order; numbers were produced in ascending order."""
    for numbers in found.values():
        assert list(dict.fromkeys(numbers)) == sorted(set(numbers))


async def stop(loop: ConsumerLoop) -> None:
    start = time.monotonic()
    await loop.stop(Deadline.after(CLOCK, 8.0))
    await loop.wait()
    assert time.monotonic() - start < 8.0


@pytest.fixture
async def bus(kafka_bootstrap: str) -> KafkaBus:
    bus = connect(kafka_bootstrap)
    await bus.create_topics([SOURCE.name, SINK.name, dead_letter(SOURCE.name, GROUP)])
    return bus


async def deserted(bootstrap: str) -> None:
    """Returns once the group has no members: a static one, or one that was killed, is missed after its session only."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    async with asyncio.timeout(30.0):
        while True:
            with suppress(KafkaException):  # nobody was ever in it
                if not (await asyncio.wrap_future(admin.describe_consumer_groups([GROUP])[GROUP])).members:
                    return
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
async def test_a_stopped_member_wakes_up_and_sends_nothing_of_what_it_lost(
    bus: KafkaBus, kafka_bootstrap: str, protocol: Protocol
) -> None:
    # First in this file, so that it waits for nobody here.
    await deserted(kafka_bootstrap)
    token = uuid.uuid4().hex.encode()
    process = await spawn(kafka_bootstrap, token, protocol, instance="", seconds=1.0)
    copy = Copy(token, b"here")
    here = member(connect(kafka_bootstrap, protocol), copy)
    await here.start()
    await until(lambda: 0 < len(copy.partitions) < PARTITIONS)
    await produce(bus, token, 2.0)
    os.kill(process.pid, signal.SIGSTOP)
    # The group misses a member after 10 s.
    await until(lambda: len(copy.partitions) == PARTITIONS)
    os.kill(process.pid, signal.SIGCONT)
    signed = await signed_copies(bus, token)
    await asyncio.sleep(2.0)
    signed = await signed_copies(bus, token)
    assert any(by == b"there" for found in signed.values() for _, by in found), "it had nothing to lose"
    assert_in_order({partition: [number for number, _ in found] for partition, found in signed.items()})
    for found in signed.values():
        taken_over: set[int] = set()
        for number, by in found:
            assert by == b"here" or number not in taken_over
            if by == b"here":
                taken_over.add(number)
    process.terminate()
    await process.wait()
    await stop(here)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
async def test_members_come_and_go_and_nothing_is_lost(bus: KafkaBus, kafka_bootstrap: str, protocol: Protocol) -> None:
    token = uuid.uuid4().hex.encode()
    shared = connect(kafka_bootstrap, protocol)
    first, second = member(shared, Copy(token)), member(shared, Copy(token))
    await first.start()
    producing = asyncio.create_task(produce(bus, token, 8.0))
    await asyncio.sleep(1.0)
    await second.start()
    await asyncio.sleep(4.0)
    await first.check()
    await stop(first)
    await producing
    assert_in_order(await copies(bus, token))
    await second.check()
    await stop(second)


async def test_a_killed_member_is_succeeded_at_once_by_its_namesake(bus: KafkaBus, kafka_bootstrap: str) -> None:
    token = uuid.uuid4().hex.encode()
    producing = asyncio.create_task(produce(bus, token, 5.0))
    for _ in range(2):
        process = await spawn(kafka_bootstrap, token)
        await asyncio.sleep(2.5)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    await producing
    process = await spawn(kafka_bootstrap, token)
    started = time.monotonic()
    found = await copies(bus, token)
    # Well under the 10 s after which a dynamic member would be missed.
    assert time.monotonic() - started < 8.0
    assert_in_order(found)
    process.terminate()
    await process.wait()


@pytest.mark.parametrize("static", [False, True], ids=["dynamic", "static"])
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
async def test_a_storm_of_rebalances_loses_and_reorders_nothing(
    bus: KafkaBus, kafka_bootstrap: str, protocol: Protocol, static: bool
) -> None:
    token = uuid.uuid4().hex.encode()

    async def join(seat: int) -> ConsumerLoop:
        loop = member(connect(kafka_bootstrap, protocol, f"seat-{protocol}-{seat}" if static else ""), Copy(token))
        await loop.start()
        return loop

    producing = asyncio.create_task(produce(bus, token, 8.0))
    members = []
    for seat in range(3):
        members.append(await join(seat))
        await asyncio.sleep(0.5)
    for turn in range(12):
        await stop(members[turn % 3])
        await asyncio.sleep(0.25)
        members[turn % 3] = await join(turn % 3)
        await asyncio.sleep(0.25)
    await producing
    found = await copies(bus, token)
    assert_in_order(found)
    # Handed over in order, each time: what is copied twice is what a member was at work on when it had to go.
    assert sum(map(len, found.values())) < 1.2 * RECORDS
    await asyncio.gather(*map(stop, members))
    assert committed(kafka_bootstrap) == {n: end for n, end in (await end_offsets(bus, SOURCE.name)).items() if end}


def committed(bootstrap: str) -> dict[int, int]:
    """What the group has committed of each partition that it has seen anything of."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP})
    try:
        found = consumer.committed([Partition(SOURCE.name, number) for number in range(PARTITIONS)], timeout=10.0)
    finally:
        consumer.close()
    return {partition.partition: partition.offset for partition in found if partition.offset > 0}


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30.0):
        while not happened():
            await asyncio.sleep(0.1)


async def spawn(
    bootstrap: str, token: bytes, protocol: Protocol = "classic", instance: str = "test", seconds: float = 0.01
) -> asyncio.subprocess.Process:
    arguments = (bootstrap, token.decode(), protocol, instance, str(seconds))
    return await asyncio.create_subprocess_exec(sys.executable, __file__, *arguments)


async def main(bootstrap: str, token: str, protocol: Protocol, instance: str, seconds: str) -> None:
    loop = member(connect(bootstrap, protocol, instance), Copy(token.encode(), b"there", float(seconds)))
    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    await loop.start()
    await terminated.wait()
    await stop(loop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))  # type: ignore[arg-type]
