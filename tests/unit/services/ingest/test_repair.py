"""A process that was taken for dead writes late: nobody is misled, and the topic is put right."""

import asyncio
import random

import pytest
from headwater_ingest.adapters.followed import FollowedTopic
from headwater_ingest.adapters.ledger import TopicLedger
from headwater_ingest.adapters.merging import later_event, later_version
from headwater_ingest.adapters.repair import LedgerRepair
from headwater_ingest.adapters.rows.memory import MemoryRows
from headwater_ingest.bootstrap import build
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.ports import Ack, Outbound
from headwater_kit.bus.topics import LEDGER
from headwater_kit.codec.events import encode
from headwater_kit.core.crash import arm
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Position
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.events import DocumentIndexed, LedgerEntry, Outcome, Provenance
from headwater_kit.testing.clock import ManualClock
from hypothesis import given
from hypothesis import strategies as st

KEY = DocumentKey("default", "a")


def entry(version: int, offset: int = 0) -> bytes:
    return encode(LedgerEntry(version, False, Position(0, offset), 1.0))


class Follower:
    """A process that follows the ledger, and may own its partitions."""

    def __init__(self, bus: MemoryBus, clock: ManualClock) -> None:
        self.clock = clock
        self.failures = 0
        self.sent: list[Outbound] = []
        self._producer = bus.producer()
        rng = random.Random(0)
        self.followed = FollowedTopic(bus, LEDGER, later_version, MemoryRows, clock=clock, rng=rng)
        self.ledger = TopicLedger(self.followed.get)
        self.repair = LedgerRepair(self.send, clock, rng)
        self.followed.seen += [self.ledger.confirm, self.repair.on_ledger]

    async def send(self, record: Outbound) -> Ack:
        if self.failures:
            self.failures -= 1
            raise Unavailable("away")
        self.sent.append(record)
        return await self._producer.send(record)

    async def __aenter__(self) -> "Follower":
        await self.repair.start()
        await self.followed.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        deadline = Deadline.after(self.clock, 1.0)
        await self.followed.stop(deadline)
        await self.repair.stop(deadline)

    async def caught_up(self) -> None:
        await self.followed.wait_caught_up(Deadline.after(self.clock, 5.0))
        await self.clock.settle()

    def version(self) -> int:
        found = self.ledger.published(KEY)
        return found.version if found else 0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def memory_bus(clock: ManualClock) -> MemoryBus:
    bus = MemoryBus(clock)
    await bus.create_topics([LEDGER.name])
    return bus


async def write(bus: MemoryBus, *versions: int) -> None:
    producer = bus.producer()
    for version in versions:
        await producer.send(Outbound(LEDGER.name, KEY.to_bytes(), entry(version), partition=0))


def last(bus: MemoryBus) -> bytes | None:
    """What compaction would keep."""
    return bus.broker.records(LEDGER.name)[-1].value


async def test_the_owner_publishes_again_what_came_before(memory_bus: MemoryBus, clock: ManualClock) -> None:
    async with Follower(memory_bus, clock) as owner, Follower(memory_bus, clock) as other:
        owner.repair.own({0})
        other.repair.own({1})
        await write(memory_bus, 1, 3, 2)
        await owner.caught_up()
        await owner.caught_up()
        await other.caught_up()
        assert (last(memory_bus), owner.version(), other.version()) == (entry(3), 3, 3)
        assert (len(owner.sent), other.sent) == (1, [])


async def test_the_next_owner_does_what_was_left_to_do(memory_bus: MemoryBus, clock: ManualClock) -> None:
    async with Follower(memory_bus, clock) as follower:
        await write(memory_bus, 3, 2)
        await follower.caught_up()
        assert (last(memory_bus), follower.version()) == (entry(2), 3)
        follower.failures = 2
        follower.repair.own({0})
        await clock.advance(60.0)
        assert last(memory_bus) == entry(3)


async def test_the_next_owner_puts_right_what_the_first_died_of(memory_bus: MemoryBus, clock: ManualClock) -> None:
    arm("ingest.repairing:1", crash=die)
    first = Follower(memory_bus, clock)
    await first.repair.start()
    await first.followed.start()
    first.repair.own({0})
    await write(memory_bus, 3, 2)
    await first.caught_up()
    with pytest.raises(Died):
        await first.repair.wait()
    arm("")
    await first.followed.stop(Deadline.after(clock, 1.0))
    assert last(memory_bus) == entry(2)
    async with Follower(memory_bus, clock) as second:
        second.repair.own({0})
        await second.caught_up()
        await second.caught_up()
        assert (last(memory_bus), second.version()) == (entry(3), 3)


async def test_what_another_put_right_is_not_written_again(memory_bus: MemoryBus, clock: ManualClock) -> None:
    async with Follower(memory_bus, clock) as follower:
        await write(memory_bus, 3, 2, 3)
        await follower.caught_up()
        follower.repair.own({0})
        await clock.settle()
        assert follower.sent == []


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
async def test_in_whatever_order_entries_land_the_highest_is_held_and_kept(versions: list[int]) -> None:
    clock = ManualClock()
    bus = MemoryBus(clock)
    await bus.create_topics([LEDGER.name])
    async with Follower(bus, clock) as owner:
        owner.repair.own({0})
        await write(bus, *versions)
        await owner.caught_up()
        await owner.caught_up()
        assert owner.version() == max(versions)
        assert last(bus) == entry(max(versions))


async def test_a_zombies_late_entry_lowers_no_version(log, settings, bus) -> None:
    """As wired: the events after it are decided from what was newest."""
    async with build(settings, bus=bus):
        for body in (b"one", b"two", b"three"):
            await log.outcome(await log.write(b"a", body))
        await log.until(lambda: len(log.ledger(KEY)) == 3)
        home = log.home(b"a")
        zombie = encode(LedgerEntry(1, False, Position(home, 0), 1.0))
        await bus.producer().send(Outbound(LEDGER.name, KEY.to_bytes(), zombie, partition=home))
        entries = await log.until(lambda: found if len(found := log.ledger(KEY)) == 5 else None)
        assert [each.version for each in entries] == [1, 2, 3, 1, 3]
        (part,) = await log.outcome(await log.write(b"a", b"four"))
        assert part.provenance.version == 4


def indexed(offset: int, outcome: Outcome, partition: int = 0, produced: float = 1.0) -> bytes:
    return encode(DocumentIndexed(Provenance(Position(partition, offset), produced, outcome, 1), 2.0, 1))


@pytest.mark.parametrize(
    ("value", "held", "is_news"),
    [
        (indexed(5, Outcome.UPSERTED), None, True),
        (indexed(5, Outcome.DEFERRED), None, False),
        (indexed(5, Outcome.UPSERTED), indexed(5, Outcome.UPSERTED), True),
        (indexed(4, Outcome.UPSERTED), indexed(5, Outcome.DELETED), False),
        (indexed(6, Outcome.STALE), indexed(5, Outcome.UPSERTED), True),
        (indexed(7, Outcome.REROUTED, partition=3), indexed(5, Outcome.UPSERTED), False),
        (indexed(1, Outcome.REJECTED, partition=3, produced=2.0), indexed(5, Outcome.UPSERTED), True),
        (indexed(1, Outcome.REJECTED, partition=3, produced=0.5), indexed(5, Outcome.UPSERTED), False),
    ],
)
def test_what_is_known_of_a_document_moves_forward_only(value: bytes, held: bytes | None, is_news: bool) -> None:
    assert later_event(value, held) is is_news


async def test_a_repair_that_is_stopped_leaves_nothing_running(memory_bus: MemoryBus, clock: ManualClock) -> None:
    async with Follower(memory_bus, clock) as follower:
        follower.failures = 10**6
        follower.repair.own({0})
        await write(memory_bus, 2, 1)
        await follower.caught_up()
    assert len(asyncio.all_tasks()) == 1


class Died(BaseException):
    """Stands for the end of the process."""


def die() -> None:
    raise Died
