"""`reindexes.v1` as index follows and writes it of encoders that stand beside."""

import random
from collections.abc import Collection, Mapping, Sequence

from headwater_kit.bus.companions import CompanionRecords, outbound
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.scan import end_offsets
from headwater_kit.bus.topics import EMBEDDINGS, EMBEDDINGS_BACKFILL
from headwater_kit.core.clock import Clock
from headwater_kit.core.companions import CompanionReported, CompanionStage
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import Unavailable

from headwater_index.adapters.noticeboard import Noticeboard

LOOK_SECONDS = 0.2
# Without a step forward for so long, nobody leads, or embed is away.
PATIENCE_SECONDS = 60.0


class BusCompanionDesk(Noticeboard):
    """`ports.CompanionDesk`; a runtime component."""

    name = "companions"
    reading = "how far encoders have come that stand beside"

    def __init__(self, bus: Bus, clock: Clock, rng: random.Random) -> None:
        self._bus = bus
        self._records = CompanionRecords()
        super().__init__(bus, self._records.apply, clock, rng)

    def report(self, name: str) -> CompanionReported | None:
        """As `CompanionDesk.report`."""
        self._check_read()
        return self._records.of(name)

    def reports(self) -> Collection[CompanionReported]:
        """As `CompanionDesk.reports`."""
        self._check_read()
        return self._records.all()

    async def write(self, report: CompanionReported) -> None:
        """As `CompanionDesk.write`."""
        await self._put(outbound(report))

    async def followed(self, name: str) -> None:
        """As `CompanionDesk.followed`."""
        ends = [await end_offsets(self._bus, topic.name) for topic in (EMBEDDINGS, EMBEDDINGS_BACKFILL)]
        last, patience = None, Deadline.after(self._clock, PATIENCE_SECONDS)
        while (report := self.report(name)) is not None and report.stage is CompanionStage.WHOLE:
            if all(map(_reached, (report.live, report.backfill), ends)):
                return
            if report != last:
                last, patience = report, Deadline.after(self._clock, PATIENCE_SECONDS)
            if patience.remaining() == 0.0:
                raise Unavailable(f"the encoder {name} does not keep in step: is embed away? Try again when it is back")
            await self._clock.sleep(LOOK_SECONDS)


def _reached(places: Sequence[Position], ends: Mapping[int, int]) -> bool:
    at = {place.partition: place.offset for place in places}
    return all(at.get(partition, 0) >= end for partition, end in ends.items())
