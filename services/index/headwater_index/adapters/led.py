"""Work that goes on for ever, in the process that leads."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from headwater_kit.bus.waiting import wait_all
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.retry import Backoff
from headwater_kit.core.tasks import cancel, finished

from headwater_index.handlers.lead import Lead

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
BACKOFF = Backoff()


class LedDuty:
    """A runtime component with a task of its own, which runs `work` while it has the lead, again and again.

    What it raises is tried again after a while; any process may go on with what is cut off.
    """

    def __init__(
        self, name: str, lead: Lead, work: Callable[[], Awaitable[None]], clock: Clock, rng: random.Random
    ) -> None:
        self.name = name
        self._lead = lead
        self._work = work
        self._clock = clock
        self._rng = rng
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins."""
        self._task = asyncio.create_task(self._work_for_ever(), name=self.name)

    async def check(self) -> None:
        """Always healthy: work that fails leaves searches as they are."""

    async def wait(self) -> None:
        """Returns when it has been stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Ends; whoever leads next goes on with what is cut off."""
        await cancel(self._task, deadline.remaining())

    async def _work_for_ever(self) -> None:
        failures = 0
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if not self._lead.is_held:
                continue
            try:
                await self._run()
                failures = 0
            except HeadwaterError as error:
                failures += 1
                logger.warning("%s begins again where it stands: %s", self.name, error.message)
                await self._clock.sleep(BACKOFF.delay(failures, self._rng))

    async def _run(self) -> None:
        """Runs until it is over, or the lead is lost."""
        running = asyncio.ensure_future(self._work())
        try:
            while not running.done() and self._lead.is_held:
                await wait_all([running], self._clock, LOOK_SECONDS)
            if running.done():
                running.result()
        finally:
            running.cancel()
            await asyncio.wait([running])
