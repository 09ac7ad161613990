"""One beat after the other: write, find, delete the one before."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, HeadwaterError, Unavailable
from headwater_kit.core.tasks import finished
from headwater_kit.telemetry import counter, histogram, names

from headwater_client.canary.ports import Platform

_log = logging.getLogger(__name__)
LATE = "NOT_FOUND_IN_TIME"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds from beat to beat, to find what was written, and between two looks."""

    every_seconds: float = 10.0
    timeout_seconds: float = 30.0
    look_seconds: float = 0.05


class Canary:
    """Beats until it is stopped; a runtime component.

    Two documents take turns: each beat writes a text of its own into one,
    searches until that is found, and deletes the other. So whatever becomes of
    the process, at most two documents stay behind.
    """

    name = "canary"

    def __init__(
        self, platform: Platform, clock: Clock, new_token: Callable[[], str], name: str, rhythm: Rhythm
    ) -> None:
        self._platform = platform
        self._clock = clock
        self._new_token = new_token
        self._documents = (f"{name}-0", f"{name}-1")
        self._rhythm = rhythm
        self._last_success = clock.monotonic()
        self._task: asyncio.Task[None] | None = None

    def seconds_since_success(self) -> float:
        """Since the last good beat ended, or since the canary was made."""
        return self._clock.monotonic() - self._last_success

    async def start(self) -> None:
        """Begins to beat; whether the platform is there is what the beats tell."""
        self._task = asyncio.create_task(self._beat_for_ever(), name=self.name)

    async def check(self) -> None:
        """Raises Unavailable once it beats no more: a failing platform is no fault of the canary's."""
        if self._task is None or self._task.done():
            raise Unavailable("the canary does not beat")

    async def wait(self) -> None:
        """Returns when it has been stopped; raises what it died of."""
        await finished(self._task)

    async def stop(self, deadline: Deadline) -> None:
        """Ends the beat under way and takes its documents away, as far as the platform lets it in time."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        try:
            async with asyncio.timeout(deadline.remaining()):
                for document_id in self._documents:
                    await self._platform.delete(document_id)
        except (HeadwaterError, TimeoutError) as error:
            _log.warning("the canary's documents stay behind: %s", error)

    async def beat(self, number: int) -> None:
        """One beat; a failure of the platform is counted, logged and not raised."""
        try:
            seconds = await self._measure(number)
        except HeadwaterError as error:
            counter(names.CANARY_FAILURES).add(1, {names.ERROR_REASON: error.reason})
            _log.warning("beat %d failed: %s", number, error.message, extra={"reason": error.reason})
        else:
            histogram(names.CANARY_DELAY).record(seconds)
            self._last_success = self._clock.monotonic()
            _log.info("beat %d: searchable after %.3f s", number, seconds)

    async def _beat_for_ever(self) -> None:
        number = 0
        while True:
            due = self._clock.monotonic() + self._rhythm.every_seconds
            await self.beat(number)
            number += 1
            await self._clock.sleep(due - self._clock.monotonic())

    async def _measure(self, number: int) -> float:
        """Seconds from the write until a search found it."""
        current, before = self._documents[number % 2], self._documents[(number + 1) % 2]
        token = self._new_token()
        text = f"Canary {token} sings."
        started = self._clock.monotonic()
        deadline = Deadline.after(self._clock, self._rhythm.timeout_seconds)
        await self._platform.write(current, text)
        while text not in await self._platform.find(token):
            if deadline.remaining() == 0.0:
                raise DeadlineExceeded(
                    f"what was written is not found after {self._rhythm.timeout_seconds:g} s", reason=LATE
                )
            await self._clock.sleep(self._rhythm.look_seconds)
        found_after = self._clock.monotonic() - started
        await self._platform.delete(before)
        return found_after
