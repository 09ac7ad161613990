"""How far the index has come: waiting for it, and telling how far it is behind."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Freshness, Position
from headwater_kit.core.errors import NotYet, Transient

from headwater_retrieve.domain.freshness import Watermark
from headwater_retrieve.domain.staleness import Lag, Staleness, before
from headwater_retrieve.ports import DocumentLog


@dataclass(frozen=True, slots=True)
class ProgressPolicy:
    """How patient one is.

    `wait_ms` and `max_wait_ms`: with the index, unless the caller says, and at
    most. `log_seconds`: with the broker. `keep_seconds`: how long the log's end
    is kept for those who only want to know the lag.
    """

    wait_ms: int = 2_000
    max_wait_ms: int = 30_000
    log_seconds: float = 2.0
    keep_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class _Look:
    """What the broker said of the log: its offsets as of a moment, or why it said nothing."""

    at: float
    offsets: Mapping[int, int]
    fault: Transient | None = None


class IndexProgress:
    """The index against the log. Owned by the event loop."""

    def __init__(
        self, watermark: Watermark, log: DocumentLog, clock: Clock, policy: ProgressPolicy | None = None
    ) -> None:
        self._watermark = watermark
        self._log = log
        self._clock = clock
        self._policy = policy or ProgressPolicy()
        self._staleness = Staleness(watermark)
        self._turn = asyncio.Lock()
        self._look: tuple[float, _Look] | None = None

    def positions(self) -> tuple[Position, ...]:
        """The highest applied position of each partition that has had an event."""
        return self._watermark.positions()

    async def reach(self, freshness: Freshness, deadline: Deadline) -> None:
        """Returns once the index is as fresh as asked.

        Raises NotYet with the lag where it is not so in time, Unavailable where
        a staleness is asked for and the broker does not say how far the log goes.
        """
        wait_ms = min(freshness.wait_ms or self._policy.wait_ms, self._policy.max_wait_ms)
        look = await self._look_back(freshness.max_staleness_ms, deadline)
        wanted = _highest((*freshness.min_positions, *before(look.offsets)))
        patience = Deadline.after(self._clock, deadline.budget(wait_ms / 1_000))
        if lag := await self._watermark.reach(wanted, patience):
            raise self._not_yet(lag, look, freshness.max_staleness_ms or 0)

    async def lag(self) -> Lag:
        """How far the index is behind the log's end, which is asked for at most once in `keep_seconds`.

        Raises Unavailable where the broker does not say.
        """
        # Asked once for all who wait, so with nobody's deadline, and a failure counts for them all too.
        async with self._turn:
            if self._look is None or self._clock.monotonic() - self._look[0] >= self._policy.keep_seconds:
                look = await self._look_now()
                self._look = self._clock.monotonic(), look
            look = self._look[1]
        if look.fault is not None:
            raise look.fault
        return self._staleness.lag(look.offsets, look.at, self._clock.now())

    async def _look_back(self, max_staleness_ms: int | None, deadline: Deadline) -> _Look:
        now = self._clock.now()
        if max_staleness_ms is None:
            return _Look(now, {})
        deadline.check()
        seconds = deadline.budget(self._policy.log_seconds)
        if max_staleness_ms == 0:
            return _Look(now, await self._log.end_offsets(seconds))
        # The log knows no time before the epoch.
        at = max(0.0, now - max_staleness_ms / 1_000)
        return _Look(at, await self._log.offsets_at(at, seconds))

    async def _look_now(self) -> _Look:
        now = self._clock.now()
        try:
            return _Look(now, await self._log.end_offsets(self._policy.log_seconds))
        except Transient as error:
            return _Look(now, {}, error)

    def _not_yet(self, lag: int, look: _Look, max_staleness_ms: int) -> NotYet:
        message = f"the index is {lag} records behind"
        staleness_ms = 0
        if look.offsets:
            found = self._staleness.lag(look.offsets, look.at, self._clock.now())
            # Behind what was produced before then, so older than that, whatever producers' clocks say.
            staleness_ms = max(found.staleness_ms, max_staleness_ms) if found.records else 0
        age = f" and shows the state of {staleness_ms / 1_000:.1f} s ago" if staleness_ms else ""
        return NotYet(f"{message}{age}: wait longer or ask for less freshness", lag=lag, staleness_ms=staleness_ms)


def _highest(positions: tuple[Position, ...]) -> tuple[Position, ...]:
    """The highest of each partition."""
    highest: dict[int, int] = {}
    for position in positions:
        highest[position.partition] = max(position.offset, highest.get(position.partition, -1))
    return tuple(Position(partition, offset) for partition, offset in highest.items())
