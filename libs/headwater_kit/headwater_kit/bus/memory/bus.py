"""The `Bus` over an in-process broker."""

from collections.abc import Mapping, Sequence

from headwater_kit.bus.memory.broker import MemoryBroker
from headwater_kit.bus.memory.consumer import MemoryConsumer
from headwater_kit.bus.memory.producer import MemoryProducer
from headwater_kit.bus.memory.reader import MemoryReader
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.settings.base import ServiceSettings


class MemoryBus:
    """Clients of one `MemoryBroker`; services that share the bus share the broker."""

    def __init__(self, clock: Clock | None = None, broker: MemoryBroker | None = None) -> None:
        self.broker = broker or MemoryBroker(clock or SystemClock())

    def producer(self, linger_ms: int = 0) -> MemoryProducer:
        """As `Bus.producer`; a send costs nothing here, so none waits for another."""
        return MemoryProducer(self.broker)

    def consumer(self, group: str) -> MemoryConsumer:
        """As `Bus.consumer`."""
        return MemoryConsumer(self.broker, group)

    def reader(self, topic: str, start: Mapping[int, int] | None = None) -> MemoryReader:
        """As `Bus.reader`."""
        return MemoryReader(self.broker, topic, start or {})

    async def create_topics(self, names: Sequence[str]) -> None:
        """As `Bus.create_topics`."""
        for name in names:
            self.broker.create(name, self.broker.partitions)

    async def ping(self, seconds: float) -> None:
        """As `Bus.ping`."""
        self.broker.check_reachable()

    def away(self) -> None:
        """Begins an outage: clients raise Unavailable, sends wait."""
        self.broker.away = True
        self.broker.notify()

    def back(self) -> None:
        """Ends the outage."""
        self.broker.away = False
        self.broker.notify()


def from_settings(_settings: ServiceSettings, clock: Clock) -> MemoryBus:
    """A bus over a broker of its own."""
    return MemoryBus(clock)
