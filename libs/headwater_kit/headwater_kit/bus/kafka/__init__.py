"""Apache Kafka by confluent-kafka."""

from headwater_kit.bus.kafka.bus import KafkaBus, from_settings
from headwater_kit.bus.kafka.config import KafkaConfig

__all__ = ["KafkaBus", "KafkaConfig", "from_settings"]
