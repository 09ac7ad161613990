"""The feedback service on a real broker: Faust's tables, their recovery, and what is published."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from headwater_feedback.bootstrap import build
from headwater_feedback.settings import Settings
from headwater_kit.bus import topics
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Bus, Outbound, Record
from headwater_kit.bus.table import Table
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.events import ImpressionItem, ImpressionRecorded, ModelPublished

VECTOR = b"\0\0\x80?" + b"\0\0\0\0" * 3


def settings(kafka_bootstrap: str) -> Settings:
    return Settings(kafka_bootstrap=kafka_bootstrap, grpc_port=0, metrics_port=0)


def impression(impression_id: str) -> Outbound:
    item = ImpressionItem("chunk", "doc", 1, "hash", 1, 1.0, ScoreParts())
    event = ImpressionRecorded(impression_id, "acme", "x", "q", VECTOR, "model", (item,), 0.0)
    return Outbound(topics.IMPRESSIONS.name, impression_id.encode(), encode(event))


def vote(impression_id: str, user: str) -> Outbound:
    value = f'{{"impression_id": "{impression_id}", "tenant": "acme", "user": "{user}", "reaction": "up", "rank": 1}}'
    return Outbound(topics.FEEDBACK.name, impression_id.encode(), value.encode())


class Published:
    """The latest memory on `models.v1`."""

    def __init__(self) -> None:
        self.up = 0
        self.changed = asyncio.Event()

    def apply(self, record: Record) -> None:
        assert record.value is not None
        self.up = decode(ModelPublished, record.value).memory.votes[0].up
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
async def following(bus: Bus) -> AsyncIterator[Published]:
    seen = Published()
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
    letters = await reader.poll(10, 5.0)
    await reader.close()
    assert [letter.value for letter in letters] == [b"{not json"]
    assert letters[0].headers["headwater-dead-letter-reason"] == b"UNDECODABLE"
