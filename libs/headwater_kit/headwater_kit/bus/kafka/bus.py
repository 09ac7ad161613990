"""The `Bus` over Apache Kafka."""

from collections.abc import Mapping, Sequence

from headwater_kit.bus.kafka.admin import KafkaAdmin
from headwater_kit.bus.kafka.config import KafkaConfig, admin_config, group_config, producer_config, reader_config
from headwater_kit.bus.kafka.consumer import KafkaConsumer
from headwater_kit.bus.kafka.producer import KafkaProducer
from headwater_kit.bus.kafka.reader import KafkaReader
from headwater_kit.core.clock import Clock, SystemClock
from headwater_kit.settings.base import ServiceSettings


class KafkaBus:
    """Makes clients of one cluster; nothing connects before it is used."""

    def __init__(self, config: KafkaConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self._admin = KafkaAdmin(admin_config(config), self._clock)

    def producer(self, linger_ms: int = 0) -> KafkaProducer:
        """As `Bus.producer`; call it where an event loop runs."""
        return KafkaProducer(producer_config(self._config, linger_ms))

    def consumer(self, group: str) -> KafkaConsumer:
        """As `Bus.consumer`."""
        return KafkaConsumer(group_config(self._config, group), self._clock)

    def reader(self, topic: str, start: Mapping[int, int] | None = None) -> KafkaReader:
        """As `Bus.reader`."""
        return KafkaReader(reader_config(self._config), self._admin, topic, start or {})

    async def create_topics(self, names: Sequence[str]) -> None:
        """As `Bus.create_topics`."""
        await self._admin.create_topics(names)

    async def ping(self, seconds: float) -> None:
        """As `Bus.ping`."""
        await self._admin.ping(seconds)


def from_settings(settings: ServiceSettings, clock: Clock) -> KafkaBus:
    """The bus that the settings describe."""
    return KafkaBus(
        KafkaConfig(
            settings.kafka_client_config(),
            client_id=f"headwater-{settings.service}" if settings.service else "headwater",
            group_protocol=settings.kafka_group_protocol,
            group_instance_id=settings.kafka_group_instance_id,
        ),
        clock,
    )
