"""The store's life in this service: opened, watched, maintained, closed."""

import asyncio
import logging

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Transient
from headwater_kit.core.tasks import cancel, finished
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import histogram

from headwater_index.ports import VectorStore

logger = logging.getLogger(__name__)

# A store that does not answer within this is away, as far as health goes.
PING_SECONDS = 1.5


class StoreKeeper:
    """A runtime component with a task of its own, which maintains the store at intervals."""

    name = "vector store"

    def __init__(self, store: VectorStore, clock: Clock, maintain_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._maintain_seconds = maintain_seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connects and loads. Raises Unavailable, Misconfigured."""
        await self._store.open()
        self._task = asyncio.create_task(self._maintain_for_ever(), name=self.name)

    async def check(self) -> None:
        """Raises Unavailable if the store does not answer."""
        await self._store.ping(PING_SECONDS)

    async def wait(self) -> None:
        """Returns when maintenance has been stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Ends maintenance and lets go of the store; what is stored stays."""
        await cancel(self._task, deadline.remaining())
        await self._store.close()

    async def _maintain_for_ever(self) -> None:
        while True:
            await self._clock.sleep(self._maintain_seconds)
            begin = self._clock.monotonic()
            try:
                await self._store.maintain()
            except Transient as error:
                # Health tells that the store is away; the next turn tries again.
                logger.warning("the store was not maintained: %s", error.message)
            else:
                histogram(names.INDEX_MAINTENANCE_DURATION).record(self._clock.monotonic() - begin)
