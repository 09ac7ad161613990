"""For how long a member may believe that its partitions are still its own."""

import asyncio
from dataclasses import dataclass
from typing import Self

from headwater_kit.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, on both of a clock's times: one stands still while a machine sleeps, the other may be set."""

    monotonic: float
    wall: float

    @classmethod
    def now(cls, clock: Clock) -> Self:
        """This moment."""
        return cls(clock.monotonic(), clock.now())

    def seconds_until(self, later: "Moment") -> float:
        """What passed at most."""
        return max(later.monotonic - self.monotonic, later.wall - self.wall)


class Lease:
    """Lapses `seconds` after the start of the last poll that came to its end.

    A process that was stopped, and may have been put out of its group, finds
    the lease lapsed before it can do anything; a poll then tells it what became
    of its partitions, and only after that the lease is held again.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since = Moment.now(clock)
        self._renewed = asyncio.Event()

    def renew(self, since: Moment) -> None:
        """A poll that began at `since` has ended."""
        self._since = since
        self._renewed.set()
        self._renewed = asyncio.Event()

    async def held(self) -> None:
        """Returns while the lease is held; where it has lapsed, once a poll has renewed it."""
        while self._since.seconds_until(Moment.now(self._clock)) >= self._seconds:
            await self._renewed.wait()
