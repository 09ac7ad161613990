"""A broker in this process: the same promises as Kafka, for tests and trials."""

from headwater_kit.bus.memory.broker import MemoryBroker
from headwater_kit.bus.memory.bus import MemoryBus, from_settings

__all__ = ["MemoryBroker", "MemoryBus", "from_settings"]
