"""A producer with a service's life, for handlers that wait for the acknowledgement."""

from collections.abc import Sequence

from headwater_kit.bus import tracing
from headwater_kit.bus.ports import Ack, Bus, Outbound, Producer
from headwater_kit.bus.topics import Topic
from headwater_kit.core.crash import crash_point
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable

# A broker that does not answer within this is away, as far as health goes; a service's checks end soon after.
PING_SECONDS = 1.5


class Sender:
    """Sends records to these topics; a runtime component that owns its producer.

    `publisher.Publisher` is for records that a reply does not depend on.
    """

    name = "sender"

    def __init__(self, bus: Bus, topics: Sequence[Topic], linger_ms: int = 0) -> None:
        self._bus = bus
        self._linger_ms = linger_ms
        self._topics = [topic.name for topic in topics]
        self._producer: Producer | None = None

    async def start(self) -> None:
        """Sees that the topics are there. Raises Unavailable or Misconfigured."""
        await self._bus.create_topics(self._topics)
        self._producer = self._producer or self._bus.producer(self._linger_ms)

    async def check(self) -> None:
        """Raises Unavailable if the broker does not answer."""
        await self._bus.ping(PING_SECONDS)

    async def send(self, record: Outbound) -> Ack:
        """See `ports.Producer.send`; the record carries the trace on. Raises Unavailable while not started."""
        if self._producer is None:
            raise Unavailable("the service is not connected to the broker")
        crash_point("sender.sending")
        with tracing.sending(record) as sending:
            ack = await self._producer.send(sending.output)
            sending.acknowledged(ack)
        crash_point("sender.acknowledged")
        return ack

    async def flush(self, seconds: float) -> int:
        """See `ports.Producer.flush`."""
        return await self._producer.flush(seconds) if self._producer else 0

    async def close(self) -> None:
        """See `ports.Producer.close`."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.close()

    async def stop(self, deadline: Deadline) -> None:
        """Waits for what is outstanding, as long as the deadline allows; then lets go."""
        await self.flush(deadline.remaining())
        await self.close()
