"""Applying parts from the log again, beside the loop that applies them as they come."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import HeadwaterError, Transient
from headwater_kit.core.retry import Backoff

from headwater_index.handlers.indexing import Indexer
from headwater_index.ports import LoggedPart, LogReading

logger = logging.getLogger(__name__)

# Enough for writes to be shared, few enough to leave live edits their turn: each such write takes some 10 ms.
DOCUMENTS_AT_ONCE = 32
# All writes wait for it while searches change over, also when the store has just come back.
BACKOFF = Backoff(cap_seconds=1.0)


class Replay:
    """Applies parts to an indexer: those of one document in order, some documents at once.

    Waits while the store is away, however long. What cannot be applied is
    logged, counted in `passed_over` and left out, as it was the first time.
    """

    def __init__(self, indexer: Indexer, clock: Clock, rng: random.Random, *, rewrite: bool = False) -> None:
        self.passed_over = 0
        self._indexer = indexer
        self._clock = clock
        self._rng = rng
        self._rewrite = rewrite

    async def until_now(self, reading: LogReading[LoggedPart]) -> AsyncIterator[int]:
        """Applies all there is at this moment; yields after each page how many parts it had. Raises Unavailable."""
        async for page in reading.until_now():
            await self.apply(page)
            yield len(page)

    async def apply(self, page: Sequence[LoggedPart]) -> None:
        """Returns once all parts are applied or passed over."""
        turns = asyncio.Semaphore(DOCUMENTS_AT_ONCE)
        documents: dict[object, list[LoggedPart]] = {}
        for part in page:
            documents.setdefault(part.key, []).append(part)
        async with asyncio.TaskGroup() as tasks:
            for parts in documents.values():
                tasks.create_task(self._apply_in_order(parts, turns))

    async def _apply_in_order(self, parts: Sequence[LoggedPart], turns: asyncio.Semaphore) -> None:
        async with turns:
            for part in parts:
                await self._apply(part)

    async def _apply(self, logged: LoggedPart) -> None:
        attempts = 0
        while True:
            try:
                await self._indexer.apply(logged.key, logged.part, rewrite=self._rewrite)
            except Transient as error:
                attempts += 1
                logger.warning("replaying waits: %s", error.message)
                await self._clock.sleep(BACKOFF.delay(attempts, self._rng))
            except HeadwaterError as error:
                self._pass_over(logged, error.message)
                return
            except Exception as error:
                # A defect: the loop made a dead letter of it, here the check of what came of it all will tell.
                logger.exception("a part could not be replayed")
                self._pass_over(logged, type(error).__name__)
                return
            else:
                return

    def _pass_over(self, logged: LoggedPart, why: str) -> None:
        self.passed_over += 1
        position = logged.part.chunked.provenance.position
        logger.warning("a part of the event at %d@%d is left out: %s", position.partition, position.offset, why)
