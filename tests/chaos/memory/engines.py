"""The broker and the store as separate machines: requests take time, and outlive who sent them.

A process reaches them by a wire. What it has sent may be applied after it was
killed, or be lost; what it is told may come late. Writes of several rows are
applied in halves, as a store does that knows no transactions.
"""

import asyncio
import contextvars
import itertools
import random
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from chaos.memory.loop import PROCESS, Process, SimulationLoop
from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.memory.consumer import MemoryConsumer
from headwater_kit.bus.memory.producer import MemoryProducer
from headwater_kit.bus.memory.reader import MemoryReader
from headwater_kit.bus.ports import Ack, Outbound, RebalanceListener, Record, TopicPartition
from headwater_kit.bus.sizes import check_size
from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import ChunkRow, LedgerRow
from headwater_vectors.switching import Switching

T = TypeVar("T")
# A member that the broker has not heard of for this long is out of its group.
SESSION_SECONDS = 10.0
# Most requests take no time, so that the order of steps decides; some take long enough for others to come between.
DELAYS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.001, 0.003, 0.02, 0.3)


class SimulationClock:
    """The simulation's time as a `core.clock.Clock`."""

    def __init__(self, loop: SimulationLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.time()

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Wire:
    """Between the processes and the engines."""

    def __init__(self, loop: SimulationLoop, rng: random.Random) -> None:
        self.loop = loop
        self.rng = rng
        self.store_away = False
        self.under_way = 0
        self.stirred = asyncio.Event()
        """Set whenever something was asked of the store, which may have changed it."""
        self.writers = itertools.count(1)
        self.switches: dict[tuple[DocumentKey, int], tuple[str, int]] = {}
        """Of each ledger row ever written, the writer and the number that he gave it."""
        self._context = contextvars.copy_context()
        self._context.run(PROCESS.set, loop.outside)

    def delay(self) -> float:
        """Seconds that a message is on its way."""
        return self.rng.choice(DELAYS) * self.rng.random()

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Calls, outside all processes, after this time."""
        self.at(self.loop.time() + seconds, call)

    def at(self, when: float, call: Callable[[], object]) -> None:
        """As `later`, at a moment."""
        self.under_way += 1

        def run() -> None:
            self.under_way -= 1
            call()

        if when <= self.loop.time():
            self.loop.call_soon(run, context=self._context)
        else:
            self.loop.call_at(when, run, context=self._context)

    async def request(
        self, process: Process, apply: Callable[[], T], is_away: Callable[[], bool], arrival: float | None = None
    ) -> T:
        """What `apply` returns or raises, at the engine; Unavailable while it is away, applied or not."""
        process.check()
        reply: asyncio.Future[T] = self.loop.create_future()

        def arrive() -> None:
            if not process.is_alive and self.rng.random() < 0.5:
                return
            outcome: T | HeadwaterError
            try:
                if is_away():
                    raise Unavailable("the engine is away")
                outcome = apply()
            except HeadwaterError as error:
                outcome = error
            self.later(self.delay(), lambda: answer(outcome))

        def answer(outcome: T | HeadwaterError) -> None:
            if reply.done():
                return
            if is_away():
                outcome = Unavailable("the engine went away before it answered")
            if isinstance(outcome, HeadwaterError):
                reply.set_exception(outcome)
            else:
                reply.set_result(outcome)

        self.at(self.loop.time() + self.delay() if arrival is None else arrival, arrive)
        return await reply


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise AssertionError("it was to wait for nothing")


class ProcessProducer:
    """A client with a queue: at a kill the end of it is lost, over a stop the end of it is held."""

    def __init__(self, inner: MemoryProducer, broker: MemoryBroker, process: Process, wire: Wire) -> None:
        self._inner = inner
        self._broker = broker
        self._process = process
        self._wire = wire
        self._queue: deque[tuple[Outbound, asyncio.Future[Ack]]] = deque()
        self._last_arrival = 0.0
        self._passed = 0
        self._limit: int | None = None

    async def send(self, record: Outbound) -> Ack:
        self._process.check()
        check_size(record, self._broker.log(record.topic).topic)
        reply: asyncio.Future[Ack] = self._wire.loop.create_future()
        self._queue.append((record, reply))
        self._schedule()
        return await asyncio.shield(reply)

    async def flush(self, seconds: float) -> int:
        self._process.check()
        waiting = [reply for _, reply in self._queue]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)
        return len(self._queue) + await self._inner.flush(seconds)

    async def close(self) -> None:
        self._process.check()
        await self.flush(5.0)
        await self._inner.close()

    def cut(self) -> None:
        """From some record of the queue on, nothing goes out."""
        self._limit = self._passed + self._wire.rng.randint(0, len(self._queue))

    def let_go(self) -> None:
        """What was held goes out."""
        self._limit = None
        for _ in self._queue:
            self._schedule()

    def _schedule(self) -> None:
        self._last_arrival = max(self._last_arrival, self._wire.loop.time() + self._wire.delay())
        self._wire.at(self._last_arrival, self._arrive)

    def _arrive(self) -> None:
        if not self._queue or (self._limit is not None and self._passed >= self._limit):
            return
        record, reply = self._queue.popleft()
        self._passed += 1
        if self._broker.away or self._inner._waiting:
            self._wire.loop.outside.spawn(self._deliver_late(record, reply))
            return
        ack = self._broker.append(record)
        self._wire.later(self._wire.delay(), lambda: None if reply.done() else reply.set_result(ack))

    async def _deliver_late(self, record: Outbound, reply: "asyncio.Future[Ack]") -> None:
        try:
            ack = await self._inner.send(record)
        except HeadwaterError as error:
            self._give_up(record)
            if not reply.done():
                reply.set_exception(error)
                reply.exception()
        else:
            if not reply.done():
                reply.set_result(ack)

    def _give_up(self, record: Outbound) -> None:
        """A record that was not acknowledged in time goes out later or never."""
        waiting = self._inner._waiting
        if self._wire.rng.random() < 0.5:
            kept = [each for each in waiting if each[0] is not record]
            waiting.clear()
            waiting.extend(kept)


class ProcessConsumer:
    """A member of a group that dies silently, or is put out of it when it is not heard of."""

    def __init__(self, inner: MemoryConsumer, broker: MemoryBroker, process: Process, wire: Wire) -> None:
        self._inner = inner
        self._broker = broker
        self._process = process
        self._wire = wire
        self._is_closed = False
        self._last_commit = 0.0
        self._last_poll = wire.loop.time()

    @property
    def lease_seconds(self) -> float:
        return self._inner.lease_seconds

    async def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        self._process.check()
        await self._inner.subscribe(topics, listener)

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        self._process.check()
        self._last_poll = self._wire.loop.time()
        return await self._inner.poll(max_records, timeout_seconds)

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self._process.check()
        self._inner.pause(partitions)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        self._process.check()
        self._inner.resume(partitions)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        # Of a member that was put out, or is about to join anew, the group knows by its generation, and refuses it.
        if self._wire.loop.time() - self._last_poll >= self.lease_seconds:
            offsets = {}
        # One connection: commits do not overtake each other.
        self._last_commit = max(self._last_commit, self._wire.loop.time() + self._wire.delay())
        await self._wire.request(
            self._process, lambda: at_once(self._inner.commit(offsets)), lambda: self._broker.away, self._last_commit
        )

    async def close(self) -> None:
        self._process.check()
        await self._inner.close()
        self._is_closed = True

    def expel(self) -> None:
        """The broker has not heard of the member for too long."""
        if not self._is_closed:
            self._inner._group.leave(self._inner._member)
            self._broker.notify()


class ProcessReader:
    """A reader that a dead process no longer reads with."""

    def __init__(self, inner: MemoryReader, process: Process) -> None:
        self._inner = inner
        self._process = process

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        self._process.check()
        return await self._inner.poll(max_records, timeout_seconds)

    def __getattr__(self, name: str) -> Any:
        self._process.check()
        return getattr(self._inner, name)


class ProcessBus:
    """One process's clients of the broker."""

    def __init__(self, bus: MemoryBus, process: Process, wire: Wire) -> None:
        self._bus = bus
        self._process = process
        self._wire = wire
        self.producers: list[ProcessProducer] = []
        self.consumers: list[ProcessConsumer] = []

    def producer(self) -> ProcessProducer:
        made = ProcessProducer(self._bus.producer(), self._bus.broker, self._process, self._wire)
        self.producers.append(made)
        return made

    def consumer(self, group: str) -> ProcessConsumer:
        made = ProcessConsumer(self._bus.consumer(group), self._bus.broker, self._process, self._wire)
        self.consumers.append(made)
        return made

    def reader(self, topic: str, start: Mapping[int, int] | None = None) -> ProcessReader:
        return ProcessReader(self._bus.reader(topic, start), self._process)

    async def create_topics(self, names: Sequence[str]) -> None:
        self._process.check()
        self._bus.broker.check_reachable()
        await self._bus.create_topics(names)

    async def ping(self, seconds: float) -> None:
        self._process.check()
        await self._bus.ping(seconds)


class _RawWrites:
    """`switching.RawWrites` over the wire."""

    def __init__(self, store: "ProcessStore") -> None:
        self._store = store
        self._tables = store.tables

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        return await self._store.asked(lambda: list(self._tables.ledger.get(key, {}).values()))

    async def add(self, row: LedgerRow) -> None:
        switch = self._store.next_switch()

        def write() -> None:
            self._tables.ledger.setdefault(row.key, {})[row.version] = row
            self._store.wire.switches[row.key, row.version] = switch

        await self._store.asked(write)

    async def delete_chunks(self, row_ids: Sequence[str]) -> None:
        for some in self._store.pieces(row_ids):
            await self._store.asked(lambda some=some: [self._tables.rows.pop(row_id, None) for row_id in some])

    async def delete_versions(self, rows: Sequence[LedgerRow]) -> None:
        await self._store.asked(lambda: [self._tables.ledger.get(row.key, {}).pop(row.version, None) for row in rows])


class ProcessStore(MemoryStore):
    """One process's client of the store: the product's protocol over raw writes that take time."""

    def __init__(self, process: Process, wire: Wire, of: MemoryStore) -> None:
        super().__init__()
        self._process = process
        self.wire = wire
        self._name = f"{process.name} {next(wire.writers)}"
        self._switches = 0
        self._collections, self._aliases, self._alias = of._collections, of._aliases, of._alias

    def twin(self, pause: Any = None, alias: str = "memory") -> "ProcessStore":
        made = ProcessStore(self._process, self.wire, self)
        made._alias = alias
        return made

    @property
    def tables(self) -> Any:
        """The collection served now."""
        return self._tables

    async def asked(self, apply: Callable[[], T]) -> T:
        """A request's outcome."""

        def stir() -> T:
            self.wire.stirred.set()
            return apply()

        return await self.wire.request(self._process, stir, lambda: self.wire.store_away)

    def next_switch(self) -> tuple[str, int]:
        """This writer's name and the number of its next switch, which grow in the order in which they are issued."""
        self._switches += 1
        return self._name, self._switches

    def pieces(self, items: Sequence[T]) -> list[Sequence[T]]:
        """The items of a write, in the portions in which they come to be."""
        if len(items) < 2 or self.wire.rng.random() < 0.5:
            return [items] if items else []
        middle = self.wire.rng.randint(1, len(items) - 1)
        return [items[:middle], items[middle:]]

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        tables = self.tables
        for some in self.pieces(rows):
            await self.asked(lambda some=some: tables.rows.update({row.chunk.chunk_id: row for row in some}))
        crash_point("vectors.chunks_written")

    async def whole(self, row: LedgerRow) -> bool:
        return await self.asked(lambda: at_once(MemoryStore.whole(self, row)))

    async def switch(self, row: LedgerRow) -> LedgerRow:
        return await Switching(_RawWrites(self)).switch(row)

    async def discard(self, row: LedgerRow) -> None:
        await Switching(_RawWrites(self)).discard(row)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        return await self.asked(lambda: [self._served(key) for key in keys])

    async def maintain(self) -> None:
        # As Milvus is maintained; here there is nothing to flush.
        crash_point("vectors.flushing")
        await self.asked(lambda: None)
        crash_point("vectors.flushed")

    async def ping(self, seconds: float) -> None:
        self._process.check()
        if self.wire.store_away:
            raise Unavailable("the store is away")
