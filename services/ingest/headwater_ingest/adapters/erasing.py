"""Bodies of erased tenants taken out of the object store."""

import asyncio
import logging
import random

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.retry import Backoff
from headwater_kit.core.tasks import cancel, finished
from headwater_kit.core.tenants import TenantErased

from headwater_ingest.domain.objects import folder_of
from headwater_ingest.ports import ObjectStore

logger = logging.getLogger(__name__)
BACKOFF = Backoff(cap_seconds=60.0)


class ObjectErasing:
    """Takes out what a tenant had put down before it was erased; a runtime component.

    `on_erased` is told of every erasure, those of long ago at each start: what is gone already costs a look.
    """

    name = "erasing of objects"

    def __init__(self, store: ObjectStore, clock: Clock, rng: random.Random) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._due: dict[str, float] = {}
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing is due."""
        return not self._due

    def on_erased(self, erased: TenantErased) -> None:
        """Notes what is to be done."""
        self._due[erased.tenant] = erased.erase_time
        self._told.set()

    async def start(self) -> None:
        """Begins."""
        self._task = self._task or asyncio.create_task(self._erase_for_ever(), name=self.name)

    async def check(self) -> None:
        """Always healthy: what cannot be erased now is tried again."""

    async def wait(self) -> None:
        """Returns when it was stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Ends; what is left is told again at the next start."""
        await cancel(self._task)

    async def _erase_for_ever(self) -> None:
        failures = 0
        while True:
            self._told.clear()
            try:
                for tenant, before in list(self._due.items()):
                    await self._erase(tenant, before)
            except Unavailable as error:
                failures += 1
                logger.warning("bodies of an erased tenant are still there, will be tried again: %s", error)
                await self._clock.sleep(BACKOFF.delay(failures, self._rng))
            else:
                failures = 0
                if not self._due:
                    await self._told.wait()

    async def _erase(self, tenant: str, before: float) -> None:
        erased = await self._store.sweep(before, folder_of(tenant))
        logger.info("bodies of an erased tenant are gone", extra={"objects": erased})
        # Told again meanwhile, it is looked at again.
        if self._due.get(tenant) == before:
            del self._due[tenant]
