"""A compacted topic, read into a service's own state and kept up to date."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from headwater_kit.bus import metrics, tracing
from headwater_kit.bus.ports import Bus, Reader, Record
from headwater_kit.bus.topics import Topic
from headwater_kit.bus.waiting import wait_all
from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, HeadwaterError, Misconfigured, Permanent, Transient, Unavailable
from headwater_kit.core.retry import Backoff
from headwater_kit.core.tasks import cancel, finished
from headwater_kit.telemetry.failures import said

_log = logging.getLogger(__name__)
# Large enough to read a million entries fast, small enough to let calls be answered in between.
POLL_RECORDS = 500
POLL_SECONDS = 0.5
# What follows the table must not stand still for long once the broker is back.
BACKOFF = Backoff(cap_seconds=1.0)


class Table:
    """Applies every record of a topic, from the beginning, in order per partition.

    The state is the service's: `apply` puts a record into it and must not block.
    A record that `apply` refuses with Permanent is logged, counted and passed
    over; another error ends the table, and with it the service. `start` gives
    the first offset of partitions whose earlier records the state holds already.
    With `group`, under which spans name the reader, what comes after all that
    was in the topic at the start is applied in the trace of each record.

    A runtime component; it owns its reader.
    """

    def __init__(
        self,
        bus: Bus,
        topic: Topic,
        apply: Callable[[Record], None],
        *,
        clock: Clock,
        rng: random.Random,
        start: Mapping[int, int] | None = None,
        group: str = "",
    ) -> None:
        self._group = group
        self.name = f"table {topic.name}"
        self._bus = bus
        self._topic = topic.name
        self._apply = apply
        self._clock = clock
        self._rng = rng
        self._start = start or {}
        self._goal: Mapping[int, int] | None = None
        self._positions: dict[int, int] = {}
        self._moved = asyncio.Event()
        self._fault: HeadwaterError | None = None
        self._reader: Reader | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def caught_up(self) -> bool:
        """Whether all that was in the topic at the start has been applied."""
        return self._goal is not None and self._reached(self._goal)

    @property
    def positions(self) -> Mapping[int, int]:
        """The next offset to be applied, by partition; never behind what `apply` was given."""
        return self._positions

    async def start(self) -> None:
        """Sees that the topic is there and begins to read in the background.

        Does not wait to catch up: `check` tells. Raises Unavailable or
        Misconfigured, and may be called again then.
        """
        await self._bus.create_topics([self._topic])
        self._reader = self._reader or self._bus.reader(self._topic, self._start)
        self._goal = await self._reader.end_offsets()
        self._positions = dict(await self._reader.positions())
        self._task = asyncio.create_task(self._read_for_ever(self._reader), name=self.name)

    async def check(self) -> None:
        """Raises Unavailable until the table has caught up, and when reading fails or has ended."""
        self._running()
        if self._fault is not None:
            raise self._fault
        if not self.caught_up:
            raise Unavailable(f"{self.name} is still being read")

    async def wait(self) -> None:
        """Returns when the table has been stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Stops reading; the state stays as it is."""
        await cancel(self._task)
        if self._reader is not None:
            await self._reader.close()

    async def wait_caught_up(self, deadline: Deadline) -> None:
        """Returns once all that is in the topic at this moment has been applied.

        Raises DeadlineExceeded, or Unavailable when the table is not running.
        """
        goal = await self._running().end_offsets()
        while not self._reached(goal):
            if deadline.remaining() == 0.0:
                raise DeadlineExceeded(f"{self.name} has not come as far as the topic's end in time")
            moved = asyncio.ensure_future(self._moved.wait())
            try:
                await wait_all([moved], self._clock, deadline.remaining())
            finally:
                moved.cancel()
            self._running()

    def _running(self) -> Reader:
        if self._reader is None or self._task is None or self._task.done():
            raise Unavailable(f"{self.name} is not running")
        return self._reader

    def _reached(self, goal: Mapping[int, int]) -> bool:
        return all(self._positions.get(partition, 0) >= offset for partition, offset in goal.items())

    async def _read_for_ever(self, reader: Reader) -> None:
        failures = 0
        try:
            while True:
                try:
                    await self._read(reader)
                    self._fault, failures = None, 0
                except Transient as error:
                    failures += 1
                    self._fault = error
                    _log.warning("%s cannot be read, will be tried again: %s", self.name, error)
                    await self._clock.sleep(BACKOFF.delay(failures, self._rng))
        finally:
            self._move()

    async def _read(self, reader: Reader) -> None:
        records = await reader.poll(POLL_RECORDS, POLL_SECONDS)
        if records:
            crash_point("table.polled")
        for record in records:
            self._apply_one(record)
            # At once: who reads the topic once more must not stop before what has been applied.
            self._positions[record.partition] = record.offset + 1
            crash_point("table.applied")
        # What was compacted away counts as read, too.
        positions = dict(await reader.positions())
        if records or positions != self._positions:
            self._positions = positions
            self._move()

    def _apply_one(self, record: Record) -> None:
        is_news = self._group and self.caught_up
        try:
            with tracing.handling(record, self._group) if is_news else nullcontext():
                self._apply(record)
        except Misconfigured:
            raise
        except Permanent as error:
            metrics.passed_over(record, error)
            _log.error(
                "%s/%d@%d passed over: %s: %s",
                *(record.topic, record.partition, record.offset, error.reason, said(error)),
            )

    def _move(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
