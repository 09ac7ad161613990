"""Bringing one record to an end: handled, or put aside."""

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.bus import metrics, tracing
from headwater_kit.bus.dead_letters import Poison, Rejection, to_dead_letter
from headwater_kit.bus.handler import RecordHandler
from headwater_kit.bus.policy import LoopPolicy
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.ratio import DeadLetterRatio
from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.errors import Denied, HeadwaterError, Misconfigured, Overloaded, Permanent, Transient
from headwater_kit.telemetry import trace_id
from headwater_kit.telemetry.failures import said

_log = logging.getLogger(__name__)


class Place(Protocol):
    """A record's place in its partition."""

    def at_work(self) -> AbstractAsyncContextManager[None]:
        """Entered for a call of the handler; waits for a free turn."""
        ...

    def waiting(self) -> AbstractContextManager[None]:
        """Entered for as long as the record waits to be tried again."""
        ...


class Hung(Exception):
    """A handler that does not come back: a defect, like whatever else is no HeadwaterError."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outputs of a record, and whether they put it aside."""

    outputs: Sequence[Outbound]
    dead: bool = False


class Attempts:
    """Calls the handler until a record has an outcome.

    Transient errors are retried for ever, unexpected ones `max_attempts` times,
    both with back-off; Misconfigured and Denied are raised. A handler that hangs is cut off
    and has failed unexpectedly. A record whose partition has had too many dead
    letters is retried for ever too.
    """

    def __init__(
        self, handler: RecordHandler, group: str, policy: LoopPolicy, clock: Clock, rng: random.Random
    ) -> None:
        self._handler = handler
        self._group = group
        self._policy = policy
        self._clock = clock
        self._rng = rng
        self.ratio = DeadLetterRatio(policy)

    async def outcome(self, record: Record, place: Place) -> Outcome:
        """The record's outcome; raises Misconfigured and Denied."""
        with tracing.handling(record, self._group):
            return await self._until_done(record, place)

    async def _until_done(self, record: Record, place: Place) -> Outcome:
        attempts = unexpected = 0
        while True:
            attempts += 1
            error: Exception
            try:
                async with place.at_work():
                    outcome = Outcome(await self._handle(record))
                crash_point("bus.handled")
                self.ratio.done(record.source)
                return outcome
            except Transient as transient:
                error = transient
            except (Misconfigured, Denied):
                # A credential is the service's, whatever the record: an operator must change it.
                raise
            except Permanent as permanent:
                error = permanent
            except Exception as defect:
                unexpected += 1
                error = _poison(defect) if unexpected >= self._policy.max_attempts else defect
            if isinstance(error, Permanent) and (dead := self.put_aside(record, error, attempts)):
                return dead
            await self.back_off(record, place, error, attempts)

    async def back_off(self, record: Record, place: Place, error: Exception, attempts: int) -> None:
        """Says that a record has to wait, and waits."""
        delay = self._policy.backoff.delay(attempts, self._rng)
        if isinstance(error, Overloaded):
            delay = max(delay, error.retry_after_ms / 1000)
        metrics.retried(record, self._group, error)
        _log.warning(
            "retry %s/%d@%d in %.2f s after attempt %d: %s",
            *(record.topic, record.partition, record.offset, delay, attempts, said(error)),
            exc_info=None if isinstance(error, HeadwaterError) else error,
        )
        with place.waiting():
            await self._clock.sleep(delay)

    def put_aside(self, record: Record, error: HeadwaterError, attempts: int) -> Outcome | None:
        """The outcome of a record that cannot be processed; None if it must wait, as too many before it could not."""
        if not self.ratio.admits(record.source, error):
            metrics.dead_letter_refused(record, self._group, error)
            return None
        metrics.dead_lettered(record, self._group, error)
        _log.error(
            "dead letter %s/%d@%d: %s: %s", record.topic, record.partition, record.offset, error.reason, _logged(error)
        )
        letter = to_dead_letter(record, self._group, Rejection(error, attempts, trace_id()))
        return Outcome((letter, *map(tracing.stamped, self._rejected(record, error))), dead=True)

    async def _handle(self, record: Record) -> Sequence[Outbound]:
        seconds = self._policy.attempt_seconds
        with metrics.handling(record, self._group, self._clock):
            try:
                async with asyncio.timeout(seconds) as limit:
                    return [tracing.stamped(output) for output in await self._handler.handle(record)]
            except TimeoutError:
                if limit.expired():
                    raise Hung(f"the handler did not come back within {seconds} s") from None
                raise

    def _rejected(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        try:
            return self._handler.reject(record, error)
        except Exception:
            # The bytes are safe in the dead letter; a defect here must not stop the partition for good.
            _log.exception("no marker for %s/%d@%d", record.topic, record.partition, record.offset)
            return ()


def _logged(error: HeadwaterError) -> str:
    """What the log may say: what a defect says stands in the letter alone, beside the record that it may quote."""
    return type(error.__cause__).__qualname__ if isinstance(error, Poison) else said(error)


def _poison(defect: Exception) -> Poison:
    poison = Poison(f"{type(defect).__name__}: {defect}")
    poison.__cause__ = defect
    return poison
