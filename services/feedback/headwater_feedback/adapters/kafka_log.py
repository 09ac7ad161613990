"""`ports.Log` on the bus."""

from headwater_kit.bus import topics
from headwater_kit.bus.ports import Outbound, Producer
from headwater_kit.bus.tracing import stamped
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.core.events import FeedbackJoined, FeedbackRecorded, ModelPublished


class KafkaLog:
    """Writes feedback and what is learned from it."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def record(self, feedback: FeedbackRecorded) -> None:
        """See `ports.Log`."""
        await self._send(topics.FEEDBACK, feedback.impression_id, feedback)

    async def train(self, joined: FeedbackJoined) -> None:
        """See `ports.Log`."""
        await self._send(topics.TRAINING, joined.impression.tenant, joined)

    async def publish(self, model: ModelPublished) -> None:
        """See `ports.Log`."""
        memory = model.memory
        await self._send(topics.MODELS, "\x1f".join((memory.tenant, "memory", memory.cluster_id)), model)

    async def _send(self, topic: topics.Topic, key: str, event: object) -> None:
        await self._producer.send(stamped(Outbound(topic.name, key.encode(), encode(event), IS_PROTOBUF)))
