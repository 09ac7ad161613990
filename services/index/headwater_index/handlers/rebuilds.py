"""The rebuild of this process: one at a time, whoever watches it."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Permanent, Transient
from headwater_kit.core.retry import Backoff

from headwater_index.domain.rebuilds import RebuildProgress, RebuildStage
from headwater_index.handlers.rebuilding import Rebuilder

logger = logging.getLogger(__name__)
BACKOFF = Backoff()


class Rebuilds:
    """Runs rebuilds in a task of their own, so that they outlive their callers; a runtime component.

    A run that fails for a time, as when the store is away, is repeated.
    """

    name = "rebuild"

    def __init__(self, rebuilder: Rebuilder, clock: Clock, rng: random.Random) -> None:
        self._rebuilder = rebuilder
        self._clock = clock
        self._rng = rng
        self._progress = RebuildProgress(RebuildStage.NONE)
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """There is nothing to start: see `resume`."""

    async def check(self) -> None:
        """Always healthy: a rebuild that fails leaves searches as they are."""

    async def stop(self, deadline: Deadline) -> None:
        """Cuts a run off; whoever resumes goes on with it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=deadline.remaining())

    async def resume(self) -> None:
        """Goes on with a run that was cut off, if there was one. Raises Unavailable."""
        if self._task is None and await self._rebuilder.tidy():
            logger.info("a rebuild was cut off and goes on")
            self._begin()

    async def follow(self, *, begin: bool) -> AsyncIterator[RebuildProgress]:
        """The progress of the run under way, or of one that this begins, until it is over."""
        if begin:
            self._begin()
        while True:
            moved, progress = self._moved, self._progress
            if progress.stage is RebuildStage.NONE:
                # Who watched a process that died learns by the name whether its rebuild had been ended.
                progress = replace(progress, collection=await self._rebuilder.served())
            yield progress
            if progress.stage.is_over:
                return
            await moved.wait()

    def _begin(self) -> None:
        """Begins a run, unless one is under way: of several who want one at the same time, each has looked before."""
        if self._task is not None:
            return
        self._tell(RebuildProgress(RebuildStage.REPLAYING))
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def _run(self) -> None:
        try:
            await self._run_until_done()
        except Permanent as error:
            logger.warning("the rebuild was given up: %s", error.message)
            self._fail(error.message)
        except Exception as error:
            logger.exception("the rebuild was given up")
            self._fail(f"a defect: {error!r}")
        finally:
            self._task = None

    async def _run_until_done(self) -> None:
        failures = 0
        while self._progress.stage is not RebuildStage.DONE:
            try:
                async with aclosing(self._rebuilder.run()) as run:
                    async for progress in run:
                        self._tell(progress)
            except Transient as error:
                failures += 1
                logger.warning("the rebuild begins again: %s", error.message)
                await self._clock.sleep(BACKOFF.delay(failures, self._rng))

    def _fail(self, reason: str) -> None:
        self._tell(replace(self._progress, stage=RebuildStage.FAILED, reason=reason))

    def _tell(self, progress: RebuildProgress) -> None:
        if progress.stage is not self._progress.stage:
            logger.info("rebuild: %s %s", progress.stage.value, progress.collection)
        self._progress = progress
        self._moved.set()
        self._moved = asyncio.Event()
