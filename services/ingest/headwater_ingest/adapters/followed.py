"""A topic of documents kept at hand in rows, so that a restart reads only what is new."""

import asyncio
import logging
import random
from collections.abc import Callable

from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.table import Table
from headwater_kit.bus.topics import Topic
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable

from headwater_ingest.adapters.merging import Merge, Seen, row_of
from headwater_ingest.adapters.rows import Rows

logger = logging.getLogger(__name__)


class FollowedTopic:
    """Follows all partitions of a topic into `rows`, one a document, merged; a runtime component.

    `seen` is called after each record that has key and value.
    """

    def __init__(
        self, bus: Bus, topic: Topic, merge: Merge, open_rows: Callable[[], Rows], *, clock: Clock, rng: random.Random
    ) -> None:
        self.name = f"table {topic.name}"
        self.seen: list[Callable[[Seen], None]] = []
        self._merge = merge
        self._bus = bus
        self._topic = topic
        self._open_rows = open_rows
        self._clock = clock
        self._rng = rng
        self._rows: Rows | None = None
        self._table: Table | None = None

    def get(self, key: bytes) -> bytes | None:
        """The row of the document of this key. Raises Unavailable before the start."""
        if self._rows is None:
            raise Unavailable(f"{self.name} has not been opened yet")
        return self._rows.get(key)

    async def start(self) -> None:
        """Opens the rows and follows from where they end. Raises Misconfigured or Unavailable."""
        if self._rows is None:
            # Beside the event loop: a large file takes seconds to be checked, and one that is locked is waited for.
            self._rows = await asyncio.to_thread(self._open_rows)
        await self._bus.create_topics([self._topic.name])
        await self._check_rows(self._rows)
        # Kept where its start fails: it has a client of its own by then.
        self._table = self._table or Table(
            self._bus, self._topic, self._apply, clock=self._clock, rng=self._rng, start=self._rows.positions()
        )
        await self._table.start()

    async def check(self) -> None:
        """Raises Unavailable until all that was in the topic at the start is at hand."""
        await self._started().check()

    async def wait(self) -> None:
        """As `Table.wait`."""
        if self._table is not None:
            await self._table.wait()

    async def wait_caught_up(self, deadline: Deadline) -> None:
        """As `Table.wait_caught_up`."""
        await self._started().wait_caught_up(deadline)

    async def stop(self, deadline: Deadline) -> None:
        """Stops following and closes the rows."""
        if self._table is not None:
            await self._table.stop(deadline)
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    async def _check_rows(self, rows: Rows) -> None:
        """Forgets rows of another topic: one that was deleted and made again ends before they do."""
        reader = self._bus.reader(self._topic.name)
        try:
            ends = await reader.end_offsets()
        finally:
            await reader.close()
        if any(offset > ends.get(partition, 0) for partition, offset in rows.positions().items()):
            logger.warning("%s is not the topic that was cached: it is read anew", self._topic.name)
            rows.clear()

    def _apply(self, record: Record) -> None:
        if self._rows is None or record.key is None:
            return
        key = row_of(record.key)
        held = self._rows.get(key)
        is_news = record.value is None or self._merge(record.value, held)
        self._rows.put(key, record.value if is_news else held, record.partition, record.offset + 1)
        if record.value is not None:
            seen = Seen(key, record.value, record.partition, held, is_news)
            for tell in self.seen:
                tell(seen)

    def _started(self) -> Table:
        if self._table is None:
            raise Unavailable(f"{self.name} is not running")
        return self._table
