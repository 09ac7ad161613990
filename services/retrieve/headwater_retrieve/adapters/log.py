"""How far `documents.v1` goes, by asking the broker; its records are not read here."""

from collections.abc import Coroutine, Mapping
from typing import Any

from headwater_kit.bus import topics
from headwater_kit.bus.ports import Bus
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, Unavailable
from headwater_kit.core.limits import within


class ReaderLog:
    """`ports.DocumentLog` on a reader of the topic, each question within its time; a runtime component."""

    name = "log of documents"

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._reader = bus.reader(topics.DOCUMENTS.name)
        self._clock = clock

    async def start(self) -> None:
        """Sees that the topic is there. Raises Unavailable, Misconfigured."""
        await self._bus.create_topics([topics.DOCUMENTS.name])

    async def check(self) -> None:
        """Always healthy: searches that ask nothing of the log go on without it."""

    async def stop(self, deadline: Deadline) -> None:
        """Lets go of the reader."""
        await self._reader.close()

    async def end_offsets(self, seconds: float) -> Mapping[int, int]:
        """See `ports.DocumentLog`."""
        return await self._within(seconds, self._reader.end_offsets())

    async def offsets_at(self, time: float, seconds: float) -> Mapping[int, int]:
        """See `ports.DocumentLog`."""
        return await self._within(seconds, self._reader.offsets_at(time))

    async def _within(self, seconds: float, question: Coroutine[Any, Any, Mapping[int, int]]) -> Mapping[int, int]:
        try:
            return await within(question, self._clock, seconds)
        except DeadlineExceeded:
            message = f"the broker did not say within {seconds:.1f} s how far documents.v1 goes"
            raise Unavailable(message) from None
