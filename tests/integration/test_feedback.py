"""The feedback service on a real broker: Faust's tables, their recovery, and what is published."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import grpc.aio
import pytest
from headwater.feedback.v1.feedback_pb2 import ForgetUserRequest
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceStub
from headwater_feedback.bootstrap import build
from headwater_feedback.settings import Settings
from headwater_kit.bus import topics
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Ack, Bus, Outbound, Producer, Reader, Record
from headwater_kit.bus.table import Table
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import ANONYMOUS, ScoreParts
from headwater_kit.core.impressions import ImpressionItem, ImpressionRecorded
from headwater_kit.core.learning import ClickMemory, ModelPublished

FOLDER = TemporaryDirectory(prefix="headwater-feedback-")
VECTOR = b"\0\0\x80?" + b"\0\0\0\0" * 3


def settings(kafka_bootstrap: str) -> Settings:
    return Settings(
        kafka_bootstrap=kafka_bootstrap,
        grpc_port=0,
        metrics_port=0,
        drain_seconds=3.0,
        data_dir=Path(FOLDER.name),
        feedback_expire_seconds=0.5,
        feedback_idle_seconds=0.5,
    )


def impression(impression_id: str, tenant: str = "acme") -> Outbound:
    item = ImpressionItem("chunk", "doc", 1, "hash", 1, 1.0, ScoreParts())
    event = ImpressionRecorded(impression_id, tenant, ANONYMOUS, "q", VECTOR, "model", (item,), SystemClock().now())
    return Outbound(topics.IMPRESSIONS.name, impression_id.encode(), encode(event))


def vote(impression_id: str, user: str, tenant: str = "acme") -> Outbound:
    value = json.dumps({"impression_id": impression_id, "tenant": tenant, "user": user, "reaction": "up", "rank": 1})
    return Outbound(topics.FEEDBACK.name, impression_id.encode(), value.encode())


class FastClock(SystemClock):
    """The machine's clock, put forward."""

    ahead_seconds = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_seconds


class StuckBus:
    """A bus whose broker never acknowledges what goes to `training.v1`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.is_stuck = asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._bus, name)

    def producer(self, linger_ms: int = 0) -> Producer:
        return cast(Producer, StuckProducer(self._bus.producer(linger_ms), self.is_stuck))


class StuckProducer:
    def __init__(self, producer: Producer, is_stuck: asyncio.Event) -> None:
        self._producer = producer
        self._is_stuck = is_stuck

    def __getattr__(self, name: str) -> object:
        return getattr(self._producer, name)

    async def send(self, record: Outbound) -> Ack:
        if record.topic == topics.TRAINING.name:
            self._is_stuck.set()
            await asyncio.Event().wait()
        return await self._producer.send(record)


class Published:
    """The latest memory of a tenant on `models.v1`."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self.up = 0
        self.changed = asyncio.Event()

    def apply(self, record: Record) -> None:
        if record.value is None:
            return  # a bandit, taken back: its arms rested on who was forgotten
        memory = decode(ModelPublished, record.value).learned
        if isinstance(memory, ClickMemory) and memory.tenant == self._tenant:
            self.up = memory.votes[0].up
            self.changed.set()

    async def wait(self, up: int) -> None:
        async with asyncio.timeout(30):
            while self.up != up:
                await self.changed.wait()
                self.changed.clear()


@pytest.fixture
def bus(kafka_bootstrap: str) -> Bus:
    return open_bus(settings(kafka_bootstrap), SystemClock())


@asynccontextmanager
async def following(bus: Bus, tenant: str = "acme") -> AsyncIterator[Published]:
    seen = Published(tenant)
    table = Table(bus, topics.MODELS, seen.apply, clock=SystemClock(), rng=random.Random(0))
    await table.start()
    yield seen
    await table.stop(Deadline.after(SystemClock(), 5.0))


async def test_votes_survive_a_restart_and_bad_ones_are_put_aside(kafka_bootstrap: str, bus: Bus) -> None:
    producer = bus.producer()
    async with build(settings(kafka_bootstrap)) as service, following(bus) as published:
        assert service.is_serving
        await producer.send(vote("i-1", "ann"))
        await producer.send(impression("i-1"))
        await producer.send(Outbound(topics.FEEDBACK.name, b"i-1", b"{not json"))
        await published.wait(up=1)
        await producer.send(impression("i-2"))
    async with build(settings(kafka_bootstrap)), following(bus) as published:
        await producer.send(vote("i-2", "ben"))
        await published.wait(up=2)
    await producer.close()
    reader = bus.reader(topics.dead_letter(topics.FEEDBACK.name, "feedback"))
    async with asyncio.timeout(30):
        while not (letters := await reader.poll(10, 5.0)):
            pass
    await reader.close()
    # A stop may come between a dead letter and the commit behind it: it is at least once that it is put aside.
    assert {letter.value for letter in letters} == {b"{not json"}
    assert letters[0].headers["headwater-dead-letter-reason"] == b"UNDECODABLE"


async def test_what_is_too_old_is_forgotten_in_its_changelog_too(kafka_bootstrap: str, bus: Bus) -> None:
    clock, producer, reader = FastClock(), bus.producer(), bus.reader(topics.FEEDBACK_JOINS.name)
    async with build(settings(kafka_bootstrap), clock=clock) as service, asyncio.timeout(60):
        await producer.send(impression("old"))
        assert await _changed(reader, b"old") == (partition_of(b"old", topics.PARTITIONS), False)
        clock.ahead_seconds = 2 * 24 * 60 * 60.0
        assert await _changed(reader, b"old") == (partition_of(b"old", topics.PARTITIONS), True)
        assert service.is_serving
    await producer.close()
    await reader.close()


async def test_a_record_that_a_stop_broke_off_is_taken_in_again(kafka_bootstrap: str, bus: Bus) -> None:
    producer, stuck = bus.producer(), StuckBus(bus)
    async with build(settings(kafka_bootstrap), bus=cast(Bus, stuck)), asyncio.timeout(60):
        await producer.send(impression("broken-off", tenant="stopped"))
        await producer.send(vote("broken-off", "ann", tenant="stopped"))
        await stuck.is_stuck.wait()
    async with build(settings(kafka_bootstrap)), following(bus, tenant="stopped") as published:
        await published.wait(up=1)
    await producer.close()


async def test_who_is_forgotten_is_taken_out_of_the_log_and_of_what_is_served(kafka_bootstrap: str, bus: Bus) -> None:
    producer = bus.producer()
    operator = (("headwater-tenant", "forgetful"), ("headwater-user", "olga"))
    async with build(settings(kafka_bootstrap)) as service, following(bus, "forgetful") as published:
        for user in ("ann", "ben", "cem"):
            await producer.send(impression(f"shown to {user}", "forgetful"))
            await producer.send(vote(f"shown to {user}", user, "forgetful"))
        await published.wait(up=3)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as channel:
            forget = FeedbackServiceStub(channel).ForgetUser
            asked = await forget(ForgetUserRequest(user="ann", dry_run=True), metadata=operator, timeout=60)
            # The memory, and the arms of a bandit that nobody has tried yet.
            assert (asked.examples, asked.models) == (1, 2)
            assert asked.sha256_learned != asked.sha256_without
            found = await forget(ForgetUserRequest(user="ann"), metadata=operator, timeout=60)
        assert found.sha256_learned == found.sha256_without == asked.sha256_without
        await published.wait(up=2)
    async with build(settings(kafka_bootstrap)), following(bus, "forgetful") as published:
        await producer.send(impression("shown to dan", "forgetful"))
        await producer.send(vote("shown to dan", "dan", "forgetful"))
        await published.wait(up=3)
    await producer.close()


async def _changed(reader: Reader, impression_id: bytes) -> tuple[int, bool]:
    """The partition of the next change of a join state, and whether it is a deletion."""
    while True:
        for record in await reader.poll(1, 1.0):
            if record.key == b'"%s"' % impression_id:
                return record.partition, record.value is None


def test_a_joiner_that_is_killed_learns_the_same() -> None:
    """A small run of the bench, on brokers of its own."""
    bench = Path(__file__).parents[2] / "bench" / "joining.py"
    command = [sys.executable, str(bench), "--impressions", "200", "--kills", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["missing"], found["surplus"], found["different"]) == (0, 0, 0)
    assert found["examples"] > 200
