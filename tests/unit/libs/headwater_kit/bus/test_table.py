import asyncio
import random
from collections.abc import AsyncIterator, Mapping

import pytest
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.memory.reader import MemoryReader
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.table import Table
from headwater_kit.bus.topics import LEDGER
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, InvalidInput, Unavailable
from headwater_kit.testing.clock import ManualClock


class State:
    def __init__(self) -> None:
        self.entries: dict[bytes | None, bytes | None] = {}

    def apply(self, record: Record) -> None:
        if record.value == b"bad":
            raise InvalidInput("undecodable")
        if record.value == b"defect":
            raise ValueError("boom")
        self.entries[record.key] = record.value


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def bus(clock: ManualClock) -> MemoryBus:
    return MemoryBus(clock)


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
async def table(bus: MemoryBus, state: State, clock: ManualClock) -> AsyncIterator[Table]:
    table = Table(bus, LEDGER, state.apply, clock=clock, rng=random.Random(1))
    yield table
    await table.stop(Deadline.after(clock, 1.0))


async def put(bus: MemoryBus, key: bytes, value: bytes | None, partition: int = 0) -> None:
    await bus.producer().send(Outbound(LEDGER.name, key, value, {}, partition))


async def test_a_table_holds_what_the_topic_held_and_what_comes(
    bus: MemoryBus, state: State, table: Table, clock: ManualClock
) -> None:
    await put(bus, b"a", b"1")
    await put(bus, b"a", b"2")
    await table.start()
    assert not table.caught_up
    with pytest.raises(Unavailable):
        await table.check()
    await clock.settle()
    await table.check()
    assert state.entries == {b"a": b"2"}
    await put(bus, b"b", b"3", 5)
    await clock.settle()
    assert state.entries == {b"a": b"2", b"b": b"3"}
    assert table.positions == {0: 2, 1: 0, 2: 0, 3: 0, 4: 0, 5: 1}


async def test_waiting_sees_everything_there_at_the_call(
    bus: MemoryBus, state: State, table: Table, clock: ManualClock
) -> None:
    await table.start()
    await put(bus, b"a", b"1")
    await table.wait_caught_up(Deadline.after(clock, 5.0))
    assert state.entries == {b"a": b"1"}


async def test_waiting_ends_with_the_table(bus: MemoryBus, table: Table, clock: ManualClock) -> None:
    await table.start()
    await clock.settle()
    waiting = asyncio.create_task(table.wait_caught_up(Deadline.after(clock, 5.0)))
    await put(bus, b"a", b"defect")
    await clock.advance(10.0)
    with pytest.raises(Unavailable):
        await waiting


async def test_waiting_during_an_outage_raises_in_time(bus: MemoryBus, table: Table, clock: ManualClock) -> None:
    await table.start()
    await clock.settle()
    await put(bus, b"a", b"1")
    waiting = asyncio.create_task(table.wait_caught_up(Deadline.after(clock, 0.5)))
    await asyncio.sleep(0)
    bus.away()
    await clock.advance(0.6)
    with pytest.raises(DeadlineExceeded):
        await waiting
    bus.back()
    await clock.advance(60.0)
    await table.check()


async def test_a_record_the_state_refuses_is_passed_over(
    bus: MemoryBus, state: State, table: Table, clock: ManualClock
) -> None:
    await put(bus, b"a", b"bad")
    await put(bus, b"b", b"1")
    await table.start()
    await clock.settle()
    assert state.entries == {b"b": b"1"}
    await table.check()


async def test_a_defect_ends_the_table_loudly(bus: MemoryBus, table: Table, clock: ManualClock) -> None:
    await put(bus, b"a", b"defect")
    await table.start()
    with pytest.raises(ValueError, match="boom"):
        await table.wait()
    with pytest.raises(Unavailable):
        await table.check()


async def test_reading_can_begin_where_the_state_stands(bus: MemoryBus, state: State, clock: ManualClock) -> None:
    await put(bus, b"a", b"1")
    await put(bus, b"b", b"2")
    table = Table(bus, LEDGER, state.apply, clock=clock, rng=random.Random(1), start={0: 1})
    await table.start()
    await clock.settle()
    assert state.entries == {b"b": b"2"}
    assert table.caught_up
    await table.stop(Deadline.after(clock, 1.0))
    await table.wait()


class SlowReader(MemoryReader):
    """Takes a while to say how far it has come, as a client in a thread does."""

    is_held: asyncio.Event

    async def positions(self) -> Mapping[int, int]:
        if any(self._positions.values()):
            await self.is_held.wait()
        return await super().positions()


async def test_positions_are_never_behind_what_was_applied(
    bus: MemoryBus, state: State, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads a topic once more, up to where the table stands, would miss the rest."""
    reader = SlowReader(bus.broker, LEDGER.name, {})
    reader.is_held = asyncio.Event()
    monkeypatch.setattr(bus, "reader", lambda *_: reader)
    table = Table(bus, LEDGER, state.apply, clock=clock, rng=random.Random(1))
    await table.start()
    await put(bus, b"a", b"1")
    await clock.settle()
    assert state.entries == {b"a": b"1"}
    assert table.positions[0] == 1
    reader.is_held.set()
    await table.stop(Deadline.after(clock, 1.0))
