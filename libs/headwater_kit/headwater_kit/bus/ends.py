"""Where partitions end: what lies between that and a consumer is its lag."""

import asyncio
import logging
from collections.abc import Sequence

from headwater_kit.bus.ports import Bus, Reader, TopicPartition
from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.tasks import cancel

_log = logging.getLogger(__name__)
# Metrics are read every 15 s or so; to ask costs the broker a request a topic.
LOOK_SECONDS = 5.0
CLOSE_SECONDS = 0.5


class Ends:
    """The ends of topics' partitions, as the broker last told them."""

    def __init__(self, bus: Bus, topics: Sequence[str], clock: Clock) -> None:
        self._bus = bus
        self._topics = topics
        self._clock = clock
        self._readers: dict[str, Reader] = {}
        self._known: dict[TopicPartition, int] = {}
        self._asked_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Asks in the background, if that was not done lately. No timer: who polls no more asks no more."""
        now = self._clock.monotonic()
        if self._asking is None or (self._asking.done() and now - self._asked_at >= LOOK_SECONDS):
            self._asked_at = now
            self._asking = asyncio.create_task(self._ask(), name="ends")

    def of(self, source: TopicPartition) -> int | None:
        """The offset after the partition's last record; None before the broker told it."""
        return self._known.get(source)

    async def close(self) -> None:
        """Asks no more."""
        await cancel(self._asking, CLOSE_SECONDS)
        for reader in self._readers.values():
            await reader.close()

    async def _ask(self) -> None:
        for topic in self._topics:
            try:
                reader = self._reader(topic)
                found = await reader.end_offsets()
            except HeadwaterError as error:
                # What was known stands; that the broker is away shows elsewhere.
                _log.debug("the ends of %s are not to be had: %s", topic, error)
            else:
                self._known.update({TopicPartition(topic, number): end for number, end in found.items()})

    def _reader(self, topic: str) -> Reader:
        if topic not in self._readers:
            self._readers[topic] = self._bus.reader(topic)
        return self._readers[topic]
