"""The learning as a runtime component: `training.v1` read from its beginning, and what it teaches published at once."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, suppress

from headwater_kit.bus import topics
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.scan import Span, scan
from headwater_kit.bus.table import Table
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, InvalidInput, Transient, Unavailable
from headwater_kit.core.tasks import cancel, finished

from headwater_feedback.adapters.settled import SettledOwnership
from headwater_feedback.adapters.teaching import Teaching
from headwater_feedback.adapters.training import TrainingRecords, entry_of, tenant_of
from headwater_feedback.domain.folds import TenantFold, digest
from headwater_feedback.domain.opinions import people
from headwater_feedback.handlers.learning import Learning
from headwater_feedback.handlers.publishing import Publishing

_log = logging.getLogger(__name__)
# What is not this process's is looked at this often, in case it has become so.
LOOK_SECONDS = 1.0
# What must be known before the first example: how long it may take, and how long that may take to be asked again.
START_SECONDS = 60.0


class LearningLoop:
    """Reads, learns and publishes; a runtime component with a task of its own.

    `before` are the tables of what learning goes by: they are started before it,
    and read before the first example is, so that every process that reads the
    log learns the same.
    """

    name = "learning"

    def __init__(
        self,
        bus: Bus,
        learning: Learning,
        publishing: Publishing,
        before: Sequence[Table],
        *,
        ownership: SettledOwnership,
        clock: Clock,
        teaching: Teaching | None = None,
    ) -> None:
        self._bus = bus
        self._learning = learning
        self._publishing = publishing
        self._before = before
        self._clock = clock
        self._ownership = ownership
        records = TrainingRecords(learning, teaching)
        self._table = Table(bus, topics.TRAINING, records.apply, clock=clock, rng=random.Random())
        self._news = asyncio.Event()
        self._has_begun = False
        self._task: asyncio.Task[None] | None = None
        learning.wake = self._news.set

    async def start(self) -> None:
        """Waits for what learning goes by and begins to read; does not wait to catch up. Raises Unavailable."""
        moves = self._ownership.moves
        await self._read_up(self._before)
        self._ownership.settled(moves)
        await self._table.start()
        self._task = asyncio.create_task(self._work_for_ever(), name=self.name)

    async def check(self) -> None:
        """Raises Unavailable while the examples cannot be read; reading on is no fault."""
        if self._table.caught_up:
            await self._table.check()

    async def wait(self) -> None:
        """Returns when it has been stopped; raises what it, or its reading, died of."""
        if self._task is not None:
            reading = asyncio.ensure_future(self._table.wait())
            await asyncio.wait([self._task, reading], return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            reading.cancel()
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Ends; what is not published yet is published by whoever owns it next."""
        await cancel(self._task, deadline.remaining())
        await self._table.stop(deadline)

    async def _work_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_SECONDS)
            self._news.clear()
            if self._table.caught_up:
                await self._work()

    async def _work(self) -> None:
        try:
            # Whoever had what has come may have written to the last moment.
            moves, is_new = self._ownership.moves, not (self._has_begun and self._ownership.is_settled)
            if is_new:
                await self._read_up((*self._before, self._table))
                self._ownership.settled(moves)
            await self._fold_anew()
            if is_new:
                self._publishing.begin()
                self._has_begun = True
            await self._publishing.publish()
        except Transient as error:
            _log.warning("what was learned cannot be published, will be tried again: %s", error.message)
            await self._clock.sleep(LOOK_SECONDS)
            self._news.set()

    async def _read_up(self, tables: Sequence[Table]) -> None:
        deadline = Deadline.after(self._clock, START_SECONDS)
        try:
            for table in tables:
                await table.wait_caught_up(deadline)
        except DeadlineExceeded as error:
            raise Unavailable(f"learning waits: {error.message}") from None

    async def _fold_anew(self) -> None:
        while (tenant := self._learning.due()) is not None:
            fold = self._learning.fresh(tenant)
            try:
                await self.read(tenant, fold)
            except Transient:
                self._learning.put_off(tenant)
                raise
            self._learning.replace(tenant, fold)

    async def read(self, tenant: str, fold: TenantFold, leaving_out: Collection[str] = ()) -> None:
        """See `ports.Replay`: up to where the table stands in the moment of the return."""
        partition, first = partition_of(tenant.encode(), topics.PARTITIONS), 0
        while (end := self._table.positions.get(partition, 0)) > first:
            # What is taken back later has the tenant folded anew once more.
            gone = await self._taken_back(partition, Span(first, end))
            async for record in self._records(partition, Span(first, end)):
                if gone.get(digest(record.key or b""), -1) < record.offset:
                    self._fold_one(tenant, fold, record, frozenset(leaving_out))
            first = end
        fold.gate.reach(first)

    async def _taken_back(self, partition: int, span: Span) -> Mapping[bytes, int]:
        """Where the keys of null values stand last, by digest."""
        records = self._records(partition, span)
        return {digest(record.key or b""): record.offset async for record in records if record.value is None}

    async def _records(self, partition: int, span: Span) -> AsyncIterator[Record]:
        async with aclosing(scan(self._bus, topics.TRAINING.name, {partition: span})) as batches:
            async for records in batches:
                for record in records:
                    yield record

    def _fold_one(self, tenant: str, fold: TenantFold, record: Record, leaving_out: frozenset[str]) -> None:
        try:
            if record.value is not None and tenant_of(record) == tenant:
                entry = entry_of(record)
                if entry.event is None or not people(entry.event) & leaving_out:
                    self._learning.fold(fold, entry)
        except InvalidInput:
            return  # passed over, and counted, when the table met it
