"""Records in: the twin of `rpc` for what comes by Kafka, driven by the Faust worker."""

from collections.abc import Sequence
from dataclasses import replace

from headwater_kit.bus import topics
from headwater_kit.bus.admission import TopicTenants
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.codec import plain
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import check_id
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionRecorded
from headwater_kit.core.tenants import Erasures

from headwater_feedback.domain.join import Event
from headwater_feedback.domain.log_time import LogTime
from headwater_feedback.handlers import Joining


class FeedbackRecords:
    """Handles the records of the feedback group: impressions, answers, reactions."""

    def __init__(
        self,
        joining: Joining,
        partitions: int,
        *,
        erasures: Erasures | None = None,
        tenants: TopicTenants | None = None,
        log_time: LogTime | None = None,
    ) -> None:
        self._log_time = log_time or LogTime(SystemClock())
        self._tenants = tenants or TopicTenants()
        self._erasures = erasures or Erasures()
        self._joining = joining
        self._partitions = partitions

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """Takes the record in; returns it again where it stands in another partition than its key's."""
        if record.value is None:
            return ()
        event = _event(record, record.value)
        if isinstance(event, FeedbackRecorded):
            event = replace(event, tenant=self._tenants.tenant(record, event.tenant))
        if self._erasures.covers(event.tenant, record.timestamp):
            return ()
        impression_id = _impression_id(event)
        key = impression_id.encode()
        # A producer that hashes keys its own way would keep the two sides of the join apart.
        if record.partition != partition_of(key, self._partitions):
            return (_moved(record, event, key),)
        time = self._log_time.read(record.partition, record.timestamp)
        await self._joining.take(impression_id, event, time)
        return ()

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """Nothing follows a record that is put aside."""
        return ()

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """The tables are Faust's to recover."""

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """The tables are Faust's to hand over."""


def _moved(record: Record, event: Event, key: bytes) -> Outbound:
    """The record in its key's partition; a reaction with the id and time that it would else get anew from there."""
    if isinstance(event, FeedbackRecorded):
        return Outbound(record.topic, key, encode(event), IS_PROTOBUF)
    return Outbound(record.topic, key, record.value, record.headers)


def _event(record: Record, value: bytes) -> Event:
    if record.topic == topics.IMPRESSIONS.name:
        return decode(ImpressionRecorded, value)
    if record.topic == topics.ANSWERS.name:
        return decode(AnswerGenerated, value)
    if plain.is_plain(value, record.headers):
        return plain.feedback(value, f"{record.topic}/{record.partition}@{record.offset}", record.timestamp)
    return decode(FeedbackRecorded, value)


def _impression_id(event: Event) -> str:
    impression_id = event.answer_id if isinstance(event, AnswerGenerated) else event.impression_id
    check_id(impression_id, "impression_id")
    return impression_id
