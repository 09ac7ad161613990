"""Faust's Kafka transport, held to reading every record of a partition of which nothing was committed yet."""

from collections.abc import Mapping
from typing import Any, ClassVar

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.transport.drivers.aiokafka import Transport as FaustTransport
from faust.types import TP


class _Thread(AIOKafkaConsumerThread):
    """The thread that reads.

    Faust pauses partitions by taking them out of a set that a fetch under way
    looks at, and that, once it is empty, asks for all of them: so, at the end of
    a recovery, it takes records of paused partitions from the client and lets
    them fall. Then it goes back to what is committed, and leaves the partitions
    of which nothing is where they are: behind what fell, which would be
    committed with the next record and lost.
    """

    async def getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 - as Faust calls it
        """Records of the partitions that are read now, whatever is paused meanwhile."""
        return await super().getmany(set(active_partitions) if active_partitions else active_partitions, timeout)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Goes back to what is committed; where nothing is, to the beginning."""
        committed = await super().seek_to_committed()
        if unread := [place for place, offset in committed.items() if not offset]:
            await self.seek_to_beginning(*unread)
        return committed


class _Consumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class Transport(FaustTransport):
    """As Faust's own, with that consumer."""

    Consumer: ClassVar[Any] = _Consumer
