"""The ends of the chain's topics, read only while somebody wants to know."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.topics import CHUNKS, CHUNKS_BACKFILL, EMBEDDINGS, EMBEDDINGS_BACKFILL
from headwater_kit.codec.headers import POSITION, position_from_header
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import Outcome
from headwater_kit.core.retry import Backoff

from headwater_ingest.adapters.merging import row_of
from headwater_ingest.domain.watching import State, StateReached

logger = logging.getLogger(__name__)
BACKOFF = Backoff()
POLL_RECORDS = 500
POLL_SECONDS = 0.5
STATE_OF = {
    CHUNKS.name: State.CHUNKED,
    CHUNKS_BACKFILL.name: State.CHUNKED,
    EMBEDDINGS.name: State.EMBEDDED,
    EMBEDDINGS_BACKFILL.name: State.EMBEDDED,
}


class ChainTails:
    """Tells which versions are cut and which are embedded, by key and header alone; a runtime component.

    `seen` is called with a document's key and the state. The last part of a
    version carries the header. Reading ends with the last watch; what came
    before the first is not told.
    """

    name = "chain tails"

    def __init__(self, bus: Bus, clock: Clock, rng: random.Random) -> None:
        self._bus = bus
        self._clock = clock
        self._rng = rng
        self.seen: list[Callable[[bytes, StateReached], None]] = []
        self._watches = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Sees that the topics are there."""
        await self._bus.create_topics(list(STATE_OF))

    async def check(self) -> None:
        """Always well: a watch without these states still tells how it ends."""

    async def stop(self, deadline: Deadline) -> None:
        """Ends all reading."""
        tasks = self._end()
        if tasks:
            await asyncio.wait(tasks)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While entered, the topics are read."""
        self._watches += 1
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._follow_for_ever(topic)) for topic in STATE_OF]
        try:
            yield
        finally:
            self._watches -= 1
            if not self._watches:
                self._end()

    def _end(self) -> list[asyncio.Task[None]]:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        return tasks

    async def _follow_for_ever(self, topic: str) -> None:
        failures = 0
        while True:
            try:
                await self._follow(topic)
            except HeadwaterError as error:
                failures += 1
                logger.warning("the end of %s cannot be read, will be tried again: %s", topic, error)
                await self._clock.sleep(BACKOFF.delay(failures, self._rng))

    async def _follow(self, topic: str) -> None:
        reader = self._bus.reader(topic, await self._ends(topic))
        try:
            while True:
                for record in await reader.poll(POLL_RECORDS, POLL_SECONDS):
                    self._tell(record)
        finally:
            await reader.close()

    async def _ends(self, topic: str) -> dict[int, int]:
        reader = self._bus.reader(topic)
        try:
            return dict(await reader.end_offsets())
        finally:
            await reader.close()

    def _tell(self, record: Record) -> None:
        found = position_from_header(record.headers.get(POSITION, b""))
        if found is None or not record.key:
            return
        position, version = found
        for tell in self.seen:
            tell(row_of(record.key), StateReached(STATE_OF[record.topic], position, version, Outcome.UPSERTED))
