"""The consumer loop on a real broker: members come, go and are killed."""

import asyncio
import os
import random
import signal
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import pytest
from headwater_kit.bus.kafka import KafkaBus, KafkaConfig
from headwater_kit.bus.loop import ConsumerLoop
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import AUDIT, QUESTIONS, dead_letter
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError

# Read by nobody else in this suite, so that what is counted is this test's alone.
SOURCE, SINK, GROUP = QUESTIONS, AUDIT, "generate"
RECORDS = 600
CLOCK = SystemClock()
Protocol = Literal["classic", "consumer"]


class Copy:
    """Copies records that begin with its token to the sink, each after a moment."""

    def __init__(self, token: bytes) -> None:
        self._token = token

    async def handle(self, record: Record) -> Sequence[Outbound]:
        if not (record.value or b"").startswith(self._token):
            return ()
        await asyncio.sleep(0.01)
        return [Outbound(SINK.name, record.key, record.value, {}, record.partition)]

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        return ()

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        return

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        return


def connect(bootstrap: str, protocol: Protocol = "classic", instance: str = "") -> KafkaBus:
    return KafkaBus(KafkaConfig({"bootstrap.servers": bootstrap}, group_protocol=protocol, group_instance_id=instance))


def member(bus: KafkaBus, token: bytes) -> ConsumerLoop:
    return ConsumerLoop(bus, GROUP, [SOURCE], Copy(token), clock=CLOCK, rng=random.Random(1))


async def produce(bus: KafkaBus, token: bytes, seconds: float) -> None:
    """Spreads the records over the time that the members need to come and go."""
    producer = bus.producer()
    for number in range(RECORDS):
        await producer.send(Outbound(SOURCE.name, b"key-%d" % (number % 40), b"%s:%d" % (token, number)))
        await asyncio.sleep(seconds / RECORDS)
    await producer.close()


async def copies(bus: KafkaBus, token: bytes) -> dict[int, list[int]]:
    """Waits until every record was copied; returns the copies' numbers by partition."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    seen: set[int] = set()
    reader = bus.reader(SINK.name)
    async with asyncio.timeout(60.0):
        while len(seen) < RECORDS:
            for record in await reader.poll(500, 0.2):
                if (record.value or b"").startswith(token):
                    number = int((record.value or b"").split(b":")[1])
                    found[record.partition].append(number)
                    seen.add(number)
    await reader.close()
    return found


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


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
async def test_members_come_and_go_and_nothing_is_lost(bus: KafkaBus, kafka_bootstrap: str, protocol: Protocol) -> None:
    token = uuid.uuid4().hex.encode()
    shared = connect(kafka_bootstrap, protocol)
    first, second = member(shared, token), member(shared, token)
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


async def spawn(bootstrap: str, token: bytes) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, __file__, bootstrap, token.decode())


async def main(bootstrap: str, token: str) -> None:
    loop = member(connect(bootstrap, instance="test"), token.encode())
    await loop.start()
    await loop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
