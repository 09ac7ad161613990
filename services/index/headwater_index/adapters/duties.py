"""What one process of index does for all: ends rebuilds that were cut off, and compares at intervals."""

import asyncio
import logging
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.tasks import cancel, finished

from headwater_index.domain.drift import Scope
from headwater_index.handlers.lead import Lead
from headwater_index.handlers.passes import Passes
from headwater_index.handlers.rebuilds import Rebuilds

logger = logging.getLogger(__name__)
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often to compare all tenants, 0 for never, with what share of the time, and whether to repair."""

    seconds: float
    share: float
    repair: bool


class Duties:
    """A runtime component with a task of its own, which does them while it has the lead."""

    name = "duties"

    def __init__(self, lead: Lead, rebuilds: Rebuilds, passes: Passes, clock: Clock, rounds: Rounds) -> None:
        self._lead = lead
        self._rebuilds = rebuilds
        self._passes = passes
        self._clock = clock
        self._rounds = rounds
        # Outlasts the lead: it may come and go more often than comparisons are due.
        self._due = clock.monotonic() + rounds.seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins."""
        self._task = asyncio.create_task(self._work_for_ever(), name=self.name)

    async def check(self) -> None:
        """Always healthy: what is amiss shows as drift."""

    async def wait(self) -> None:
        """Returns when it has been stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Ends; what is cut off is begun again by whoever leads next."""
        await cancel(self._task, deadline.remaining())

    async def _work_for_ever(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if self._lead.is_held and await self._resumed():
                await self._lead_on()

    async def _lead_on(self) -> None:
        """Compares at intervals, for as long as the lead is held."""
        while self._lead.is_held:
            await self._clock.sleep(LOOK_SECONDS)
            if self._rounds.seconds and self._clock.monotonic() >= self._due:
                await self._compare()
                self._due = self._clock.monotonic() + self._rounds.seconds

    async def _resumed(self) -> bool:
        try:
            await self._rebuilds.resume()
        except HeadwaterError as error:
            logger.warning("whether a rebuild was cut off cannot be told yet: %s", error.message)
            return False
        return True

    async def _compare(self) -> None:
        try:
            await self._passes.in_background(Scope(repair=self._rounds.repair), self._rounds.share)
        except HeadwaterError as error:
            logger.warning("the store was not compared with the log: %s", error.message)
