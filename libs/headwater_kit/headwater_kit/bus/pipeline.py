"""The records of one partition, from taken to done."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import takewhile

from headwater_kit.bus import metrics
from headwater_kit.bus.attempts import Attempts, Outcome
from headwater_kit.bus.emission import Emission, Emitter
from headwater_kit.bus.handler import OrderKey, SizeOf
from headwater_kit.bus.lease import Lease
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Record, TopicPartition
from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the pipelines of a loop share; `changed` is told whenever one makes progress or begins to wait."""

    group: str
    policy: LoopPolicy
    clock: Clock
    order_key: OrderKey
    size_of: SizeOf
    lease: Lease
    attempts: Attempts
    emitter: Emitter
    tasks: asyncio.TaskGroup
    changed: Callable[["PartitionPipeline"], None]


class Entry:
    """A record in flight: its place in the partition and the task that handles it."""

    def __init__(self, record: Record, order: bytes | None, size_bytes: int, pipeline: "PartitionPipeline") -> None:
        self.record = record
        self.order = order
        self.size_bytes = size_bytes
        self.task: asyncio.Task[Outcome]
        self._pipeline = pipeline
        self._is_at_work = False

    @property
    def is_under_way(self) -> bool:
        """Whether the handler is at work on the record or has ended; not so before and between attempts."""
        return self._is_at_work or self.task.done()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """As `Place.at_work`."""
        async with self._pipeline.turn:
            await self._pipeline.lease.held()
            self._is_at_work = True
            self._pipeline.at_work += 1
            try:
                yield
            finally:
                self._pipeline.at_work -= 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """As `Place.waiting`."""
        self._is_at_work = False
        with self._pipeline.holding():
            yield


class PartitionPipeline:
    """Handles records of one partition at the same time, emits them in order.

    A record is handled after the one before it of its order key, whatever became of
    that. Its outputs go out after those of all records before it. So records
    are done in offset order, and what may be committed is simply `next_offset`.
    """

    def __init__(self, source: TopicPartition, around: Surroundings, ready: asyncio.Future[None]) -> None:
        self.source = source
        self.next_offset: int | None = None
        self.committed: int | None = None
        self.paused = False
        # Handlers that are at work on a record of it.
        self.at_work = 0
        self.lease = around.lease
        self.turn = asyncio.Semaphore(around.policy.max_concurrency)
        self._around = around
        self._ready = ready
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._held = 0
        self._last_of_order: dict[bytes | None, asyncio.Task[Outcome]] = {}
        self._arrived = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._emitting = around.tasks.create_task(self._emit_for_ever())

    @property
    def oldest(self) -> Record | None:
        """The first record that is not done; for other threads too."""
        try:
            return self._entries[0].record
        except IndexError:
            return None

    @property
    def wants_pause(self) -> bool:
        """Whether no further record should be taken: full, until half empty, or waiting to try again."""
        # Taking up again costs a fetch, hence the distance between the two limits.
        ease = 2 if self.paused else 1
        policy = self._around.policy
        return (
            self._held > 0
            or len(self._entries) * ease > policy.max_in_flight - (not self.paused)
            or self._bytes * ease > policy.max_in_flight_bytes
        )

    def take(self, record: Record) -> None:
        """Accepts the partition's next record."""
        metrics.consumed(record, self._around.group)
        entry = Entry(record, self._around.order_key(record), self._around.size_of(record), self)
        entry.task = self._around.tasks.create_task(self._handle(entry, self._last_of_order.get(entry.order)))
        if entry.order is not None:
            self._last_of_order[entry.order] = entry.task
        self._entries.append(entry)
        self._bytes += entry.size_bytes
        self._emptied.clear()
        self._arrived.set()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """While entered, the partition takes no further records."""
        self._held += 1
        self._around.changed(self)
        try:
            yield
        finally:
            self._held -= 1
            self._around.changed(self)

    def trim(self) -> None:
        """Lets go of all records from the first one on that is not under way; the rest come to an end."""
        keep = next((i for i, entry in enumerate(self._entries) if not entry.is_under_way), len(self._entries))
        while len(self._entries) > keep:
            self._drop(self._entries.pop())
        self._note_if_empty()

    async def emptied(self) -> None:
        """Returns once no record is in flight."""
        await self._emptied.wait()

    def cancel(self) -> None:
        """Lets go of everything; nothing is emitted or done any more."""
        self._emitting.cancel()
        while self._entries:
            self._drop(self._entries.pop())
        self._note_if_empty()

    async def _handle(self, entry: Entry, previous: "asyncio.Task[Outcome] | None") -> Outcome:
        await asyncio.wait([self._ready])
        if previous is not None:
            await asyncio.wait([previous])
        return await self._around.attempts.outcome(entry.record, entry)

    async def _emit_for_ever(self) -> None:
        while True:
            if entries := await self._handled():
                emissions = [Emission(entry.record, entry, entry.task.result()) for entry in entries]
                await self._around.emitter.emit(emissions)
                if any(emission.outcome.dead for emission in emissions):
                    crash_point("bus.dead_letter_acknowledged")
                crash_point("bus.acknowledged")
                self._retire(entries)

    async def _handled(self) -> Sequence[Entry]:
        if not self._entries:
            self._arrived.clear()
            await self._arrived.wait()
        # Not awaited itself: cancelling this task must not cancel the handler's.
        await asyncio.wait([self._entries[0].task])
        return list(takewhile(lambda entry: entry.task.done(), self._entries))

    def _retire(self, entries: Sequence[Entry]) -> None:
        now = self._around.clock.now()
        for entry in entries:
            self._forget(self._entries.popleft())
            metrics.done(entry.record, self._around.group, now - entry.record.timestamp)
        self.next_offset = entries[-1].record.offset + 1
        self._note_if_empty()
        self._around.changed(self)

    def _drop(self, entry: Entry) -> None:
        entry.task.cancel()
        self._forget(entry)
        metrics.dropped(entry.record, self._around.group)

    def _forget(self, entry: Entry) -> None:
        self._bytes -= entry.size_bytes
        if self._last_of_order.get(entry.order) is entry.task:
            del self._last_of_order[entry.order]

    def _note_if_empty(self) -> None:
        if not self._entries:
            self._emptied.set()
