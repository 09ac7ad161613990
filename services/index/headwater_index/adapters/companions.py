"""`reindexes.v1` as index follows and writes it of encoders that stand beside."""

import random
from collections.abc import Collection, Mapping, Sequence

from headwater_kit.bus.companions import CompanionRecords, outbound
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.scan import end_offsets
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.table import Table
from headwater_kit.bus.topics import EMBEDDINGS, EMBEDDINGS_BACKFILL, REINDEXES
from headwater_kit.core.clock import Clock
from headwater_kit.core.companions import CompanionReported, CompanionStage
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import Unavailable

# For the record that was just written to come back.
READ_SECONDS = 10.0
LOOK_SECONDS = 0.2
# Without a step forward for so long, nobody leads, or embed is away.
PATIENCE_SECONDS = 60.0


class BusCompanionDesk:
    """`ports.CompanionDesk`; a runtime component."""

    name = "companions"

    def __init__(self, bus: Bus, clock: Clock, rng: random.Random) -> None:
        self._bus = bus
        self._clock = clock
        self._records = CompanionRecords()
        self._sender = Sender(bus, [REINDEXES])
        self._table = Table(bus, REINDEXES, self._records.apply, clock=clock, rng=rng)

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
        await self._sender.send(outbound(report))
        await self._table.wait_caught_up(Deadline.after(self._clock, READ_SECONDS))

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

    def _check_read(self) -> None:
        if not self._table.caught_up:
            raise Unavailable("how far encoders have come that stand beside is still being read: try again in a moment")


def _reached(places: Sequence[Position], ends: Mapping[int, int]) -> bool:
    at = {place.partition: place.offset for place in places}
    return all(at.get(partition, 0) >= end for partition, end in ends.items())
