"""A clock that stands still until told to move."""

import asyncio
import heapq
import itertools

# How often other tasks get their turn before time moves on. Settling is a guess
# by nature: a chain of more than this many awaits needs a second call.
SETTLE_ROUNDS = 100


class ManualClock:
    """A `core.clock.Clock` whose time only `advance` and `jump` move.

    Sleepers wake in the order of their time, each seeing its own moment, so a
    test of back-off runs in no time and the same way every time.
    """

    def __init__(self, start: float = 1_000_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Wall time: the same scale as `monotonic`."""
        return self._now

    def monotonic(self) -> float:
        """Seconds; only `advance` adds to them."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Returns once `advance` has come that far; at once, after a turn of the loop, for 0."""
        if seconds <= 0.0:
            await asyncio.sleep(0)
            return
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), wake))
        await wake

    @property
    def next_wake(self) -> float | None:
        """When the next sleeper is due; None if nobody sleeps."""
        self._drop_cancelled()
        return self._sleepers[0][0] if self._sleepers else None

    async def settle(self) -> None:
        """Gives every task that can run its turn, without moving time."""
        for _ in range(SETTLE_ROUNDS):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Moves time on, waking sleepers one by one and letting what they start settle."""
        until = self._now + seconds
        await self.settle()
        while (due := self.next_wake) is not None and due <= until:
            self._now = max(self._now, due)
            _, _, wake = heapq.heappop(self._sleepers)
            wake.set_result(None)
            await self.settle()
        self._now = until
        await self.settle()

    def jump(self, seconds: float) -> None:
        """Moves time on without anybody's notice, as for a process that was stopped; `advance` wakes who is due."""
        self._now += seconds

    def _drop_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
