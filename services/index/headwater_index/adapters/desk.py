"""`reindexes.v1` as index writes and follows it."""

import random

from headwater_kit.bus.ports import Bus
from headwater_kit.bus.reindexes import ReindexRecords, outbound
from headwater_kit.core.clock import Clock
from headwater_kit.core.reindexes import ReindexJudged, ReindexReported, ReindexWished

from headwater_index.adapters.meter import ReindexMetrics
from headwater_index.adapters.noticeboard import Noticeboard


class BusDesk(Noticeboard):
    """`ports.ReindexDesk`; a runtime component. `book` says what stands there, and metrics show it."""

    name = "reindexes"
    reading = "whether a reindex is under way"

    def __init__(self, bus: Bus, clock: Clock, rng: random.Random) -> None:
        metrics = ReindexMetrics()
        self.book: ReindexRecords = ReindexRecords(changed=lambda: metrics.measure(self.book.status))
        super().__init__(bus, self.book.apply, clock, rng)

    def is_reindexing(self) -> bool:
        """True while a reindex is wished for or under way. Raises Unavailable while that is still being read."""
        self._check_read()
        return self.book.is_under_way

    async def write(self, said: ReindexWished | ReindexReported | ReindexJudged) -> None:
        """As `ReindexDesk.write`; returns once it stands in the book, too."""
        await self._put(outbound(said))
