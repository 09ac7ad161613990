"""`reindexes.v1` as a runtime component: written, and followed from its beginning."""

import random
from collections.abc import Callable

from headwater_kit.bus.ports import Bus, Outbound, Record
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.topics import REINDEXES
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable

# For the record that was just written to come back.
READ_SECONDS = 10.0


class Noticeboard:
    """What two desks have in common; each knows its own records by `apply`, and says in `reading` what is read."""

    name: str
    reading: str

    def __init__(self, bus: Bus, apply: Callable[[Record], None], clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._sender = Sender(bus, [REINDEXES])
        self._table = Table(bus, REINDEXES, apply, clock=clock, rng=rng)

    async def start(self) -> None:
        """Begins to read. Raises Unavailable, Misconfigured."""
        await self._sender.start()
        await self._table.start()

    async def check(self) -> None:
        """Raises Unavailable until all is read."""
        await self._table.check()

    async def wait(self) -> None:
        """Returns when it has been stopped; raises what it died of."""
        await self._table.wait()

    async def stop(self, deadline: Deadline) -> None:
        """Stops reading, and lets go of the producer."""
        await self._table.stop(deadline)
        await self._sender.stop(deadline)

    async def _put(self, record: Outbound) -> None:
        """Returns once it is acknowledged and read back. Raises Unavailable, DeadlineExceeded."""
        await self._sender.send(record)
        await self._table.wait_caught_up(Deadline.after(self._clock, READ_SECONDS))

    def _check_read(self) -> None:
        if not self._table.caught_up:
            raise Unavailable(f"{self.reading} is still being read: try again in a moment")
