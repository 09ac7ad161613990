"""`ports.Log` on the bus."""

from headwater_kit.bus import topics
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, Producer
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackQuarantined,
    FeedbackRecorded,
    ImpressionClosed,
    TrainingRecorded,
)
from headwater_kit.telemetry import counter, names


def training_key(example: FeedbackJoined | ImpressionClosed) -> str:
    """Tenant, impression, user, feedback: of a list that was closed its reader, no feedback, and the revision.

    So a key tells whom an example is of, and a null value under it takes the
    example away. No revision takes the place of another: what learned from the
    first one learns from it again when the log is read anew.
    """
    shown = example.impression
    if isinstance(example, FeedbackJoined):
        said = example.feedback
        return "\x1f".join((shown.tenant, shown.impression_id, said.user, said.feedback_id))
    return "\x1f".join(
        (shown.tenant, shown.impression_id, example.reader or shown.pseudonym or shown.user, "", str(example.revision))
    )


class KafkaLog:
    """Writes feedback and what it is joined to."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def record(self, feedback: FeedbackRecorded) -> None:
        """See `ports.Log`."""
        await self._send(topics.FEEDBACK, feedback.impression_id, feedback)

    async def train(self, example: FeedbackJoined | ImpressionClosed) -> None:
        """See `ports.Log`."""
        # A tenant's examples stand in one partition, whatever their keys: what is learned follows their order.
        partition = partition_of(example.impression.tenant.encode(), topics.PARTITIONS)
        await self._send(topics.TRAINING, training_key(example), TrainingRecorded(example), partition)

    async def quarantine(self, quarantined: FeedbackQuarantined) -> None:
        """See `ports.Log`."""
        await self._send(topics.QUARANTINE, quarantined.feedback.tenant, quarantined)
        counter(names.FEEDBACK_QUARANTINED).add(1, {names.ERROR_REASON: quarantined.reason})

    async def _send(self, topic: topics.Topic, key: str, event: object, partition: int | None = None) -> None:
        record = Outbound(topic.name, key.encode(), encode(event), IS_PROTOBUF, partition)
        await self._producer.send(record)
