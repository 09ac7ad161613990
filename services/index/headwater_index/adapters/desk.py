"""`reindexes.v1` as index writes and follows it."""

import random

from headwater_kit.bus.ports import Bus
from headwater_kit.bus.reindexes import ReindexRecords, outbound
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.topics import REINDEXES
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.reindexes import ReindexJudged, ReindexReported, ReindexWished

from headwater_index.adapters.meter import ReindexMetrics

# For the record that was just written to come back.
READ_SECONDS = 10.0


class BusDesk:
    """`ports.ReindexDesk`; a runtime component. `book` says what stands there, and metrics show it."""

    name = "reindexes"

    def __init__(self, bus: Bus, clock: Clock, rng: random.Random) -> None:
        metrics = ReindexMetrics()
        self.book: ReindexRecords = ReindexRecords(changed=lambda: metrics.measure(self.book.status))
        self._clock = clock
        self._sender = Sender(bus, [REINDEXES])
        self._table = Table(bus, REINDEXES, self.book.apply, clock=clock, rng=rng)

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

    def is_reindexing(self) -> bool:
        """True while a reindex is wished for or under way. Raises Unavailable while that is still being read."""
        if not self._table.caught_up:
            raise Unavailable("whether a reindex is under way is still being read: try again in a moment")
        return self.book.is_under_way

    async def write(self, said: ReindexWished | ReindexReported | ReindexJudged) -> None:
        """As `ReindexDesk.write`; returns once it stands in the book, too."""
        await self._sender.send(outbound(said))
        await self._table.wait_caught_up(Deadline.after(self._clock, READ_SECONDS))
