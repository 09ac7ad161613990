"""Turns at something that serves few at a time, for callers who have a deadline."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Overloaded
from headwater_kit.core.fairness import FairQueue

# Of the time that a newcomer has, what the wait for its turn and the turn may take, as far as can be told: so it is
# answered in good time, and in time still where that is wrong by two.
SHARE = 0.5
# How much the last turn counts for the pace, once there are enough of them for a mean.
WEIGHT = 1 / 32
MIN_RETRY_AFTER_MS = 100


class Turns:
    """Lets `at_once` callers work at a time; the others wait, one tenant after the other, as many as can be answered
    in time.

    Of hundreds who come at once none is answered in time if all are let in:
    what they share works a little for each, and then in vain for those who have
    given up. So who cannot be answered in time is refused at once. A tenant's
    crowd is in its own way alone: who comes from another waits for one of them.

    Method: Little's law. The pace, which is the seconds from one turn's end to
    the next while anybody works, times those who go before is how long a
    newcomer will take, whether turns run side by side or in each other's way.
    """

    def __init__(self, clock: Clock, at_once: int) -> None:
        self._clock = clock
        self._at_once = at_once
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()
        self._taken = 0
        self._at_work = 0
        self._ended = 0
        self._pace_seconds = 0.0
        self._since = 0.0

    @asynccontextmanager
    async def turn(self, deadline: Deadline, tenant: str = "") -> AsyncIterator[None]:
        """Entered when it is the caller's turn; at once where one is free. Raises Overloaded where there is no time."""
        has_to_wait = self._taken >= self._at_once
        if has_to_wait:
            self._check(self._taken + self._waiting.ahead(tenant) + 1, deadline.remaining() * SHARE)
            await self._wait(tenant)
        else:
            self._taken += 1
        try:
            if has_to_wait:
                # Turns may have become slower meanwhile; what will come too late is better not begun.
                self._check(self._at_once, deadline.remaining())
            with self._paced():
                yield
        finally:
            self._hand_on()

    async def _wait(self, tenant: str) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.push(tenant, granted)
        try:
            await granted
        except asyncio.CancelledError:
            # Who gives up in the moment in which the turn comes has it all the same.
            if not self._waiting.remove(tenant, granted) and not granted.cancelled():
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        while self._waiting:
            granted = self._waiting.pop()
            if not granted.done():
                granted.set_result(None)
                return
        self._taken -= 1

    def _check(self, ahead: int, seconds: float) -> None:
        expected_seconds = ahead * self._pace_seconds
        if expected_seconds > seconds:
            raise Overloaded(
                f"{ahead} are served or wait, more than can be answered in time: try again in a moment",
                # Half of them have been answered by then: sooner, it would be refused again.
                retry_after_ms=max(MIN_RETRY_AFTER_MS, round(expected_seconds / 2 * 1_000)),
            )

    @contextmanager
    def _paced(self) -> Iterator[None]:
        if not self._at_work:
            self._since = self._clock.monotonic()
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            self._ended += 1
            now = self._clock.monotonic()
            self._pace_seconds += max(WEIGHT, 1 / self._ended) * (now - self._since - self._pace_seconds)
            self._since = now
