"""The broker as a separate machine, and each process's clients of it.

What a process has sent may be applied after it was killed, or be lost; what it
is told may come late.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.memory.loop import Process
from chaos.memory.wire import Wire, at_once
from headwater_kit.bus.memory import MemoryBroker, MemoryBus
from headwater_kit.bus.memory.consumer import MemoryConsumer
from headwater_kit.bus.memory.producer import MemoryProducer
from headwater_kit.bus.memory.reader import MemoryReader
from headwater_kit.bus.ports import Ack, Outbound, RebalanceListener, Record, TopicPartition
from headwater_kit.bus.sizes import check_size
from headwater_kit.core.errors import HeadwaterError

# A member that the broker has not heard of for this long is out of its group.
SESSION_SECONDS = 10.0


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

    def producer(self, linger_ms: int = 0) -> ProcessProducer:
        made = ProcessProducer(self._bus.producer(linger_ms), self._bus.broker, self._process, self._wire)
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
