"""The ledger's topic put right where an older entry came after a newer one."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection

from headwater_kit.bus.ports import Ack, Outbound
from headwater_kit.bus.topics import LEDGER
from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Transient
from headwater_kit.core.retry import Backoff
from headwater_kit.core.tasks import cancel, finished

from headwater_ingest.adapters.merging import Seen

logger = logging.getLogger(__name__)
BACKOFF = Backoff()


class LedgerRepair:
    """Publishes the newer entry once more; a runtime component.

    A process that lost its partitions without noticing may write entries late.
    Whoever follows the topic merges by version and is not misled, but compaction
    keeps the last record: to one who reads afterwards, the older entry would be
    all there is. The owner of the partition sees to it; others keep in mind what
    is still to be done, in case they become the owner.
    """

    name = "ledger repair"

    def __init__(self, send: Callable[[Outbound], Awaitable[Ack]], clock: Clock, rng: random.Random) -> None:
        self._send = send
        self._clock = clock
        self._rng = rng
        self._due: dict[bytes, Outbound] = {}
        self._owned: set[int] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def on_ledger(self, seen: Seen) -> None:
        """A record of `ledger.v1`: older than what is held, it is to be followed by that; else all is well."""
        if seen.is_news or seen.held is None:
            self._due.pop(seen.key, None)
            return
        logger.warning("an older ledger entry came after a newer one", extra={"partition": seen.partition})
        self._due[seen.key] = Outbound(LEDGER.name, seen.key, seen.held, partition=seen.partition)
        self._changed.set()

    def own(self, partitions: Collection[int]) -> None:
        """These are this process's to put right from now on."""
        self._owned.update(partitions)
        self._changed.set()

    def disown(self, partitions: Collection[int]) -> None:
        """These are another's."""
        self._owned.difference_update(partitions)

    async def start(self) -> None:
        """Begins to work in the background."""
        self._task = asyncio.create_task(self._repair_for_ever(), name=self.name)

    async def check(self) -> None:
        """Always well: what cannot be written yet is tried again."""

    async def wait(self) -> None:
        """Returns when it has been stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """What is still due, the next owner does."""
        await cancel(self._task)

    async def _repair_for_ever(self) -> None:
        failures = 0
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._repair()
                failures = 0
            except Transient as error:
                failures += 1
                self._changed.set()
                logger.warning("the ledger is not repaired yet: %s", error)
                await self._clock.sleep(BACKOFF.delay(failures, self._rng))

    async def _repair(self) -> None:
        for key, entry in list(self._due.items()):
            if entry.partition in self._owned:
                crash_point("ingest.repairing")
                await self._send(entry)
                # Unless yet another one came meanwhile.
                if self._due.get(key) is entry:
                    del self._due[key]
