"""What `tenants.v1` says, how it is written, and whose a record of any topic is."""

import json
from collections.abc import Callable, Mapping

from headwater_kit.bus.letters.letter import PARTIES
from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import (
    ANSWERS,
    FEEDBACK,
    FEEDBACK_JOINS,
    FORGETS,
    GATES,
    GOLD,
    IMPRESSIONS,
    MODELS,
    QUARANTINE,
    QUESTIONS,
    TENANTS,
    TOPICS,
    TRAINING,
)
from headwater_kit.codec import plain
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.core.documents import document_of
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import AnswerGenerated, QuestionAsked
from headwater_kit.core.impressions import (
    FeedbackQuarantined,
    FeedbackRecorded,
    ImpressionRecorded,
    TrainingRecorded,
    UserForgotten,
)
from headwater_kit.core.learning import GateDecided, GoldQuestion, ModelPublished
from headwater_kit.core.tenants import Erasures, TenantErased


class ErasureRecords:
    """Keeps the erasures as `tenants.v1` says, as a `bus.table` applies them."""

    def __init__(self, erasures: Erasures) -> None:
        self._erasures = erasures

    def apply(self, record: Record) -> None:
        """Takes a record in. Raises InvalidInput."""
        if record.value is not None:
            self._erasures.apply(decode(TenantErased, record.value))


def outbound(erased: TenantErased) -> Outbound:
    """The record that says it."""
    return Outbound(TENANTS.name, erased.tenant.encode(), encode(erased), IS_PROTOBUF)


def tenant_of(record: Record) -> str | None:
    """The tenant that a record is of, by its key or its value; None where neither tells, as of a null value.

    A dead letter is of whom its record is of.
    """
    topic = PARTIES.get(record.topic, (record.topic, ""))[0]
    try:
        if topic in TOPICS and TOPICS[topic].key.startswith("document"):
            return document_of(record.key).tenant
        read = _READERS.get(topic)
        return read(record) if read and record.value is not None else None
    except (InvalidInput, ValueError, KeyError, TypeError):
        return None


def _question(record: Record) -> str:
    value = record.value or b""
    return (plain.question(value) if plain.is_plain(value, record.headers) else decode(QuestionAsked, value)).tenant


def _feedback(record: Record) -> str:
    value = record.value or b""
    if plain.is_plain(value, record.headers):
        return plain.feedback(value, "", record.timestamp).tenant
    return decode(FeedbackRecorded, value).tenant


def _join_state(record: Record) -> str:
    value = record.value or b""
    # What was shown stands beside what became of it, which is JSON.
    return str(json.loads(value)["tenant"]) if value[:1] == b"{" else decode(ImpressionRecorded, value).tenant


_READERS: Mapping[str, Callable[[Record], str | None]] = {
    QUESTIONS.name: _question,
    FEEDBACK.name: _feedback,
    ANSWERS.name: lambda record: decode(AnswerGenerated, record.value or b"").tenant,
    IMPRESSIONS.name: lambda record: decode(ImpressionRecorded, record.value or b"").tenant,
    TRAINING.name: lambda record: decode(TrainingRecorded, record.value or b"").example.impression.tenant,
    QUARANTINE.name: lambda record: decode(FeedbackQuarantined, record.value or b"").feedback.tenant,
    FORGETS.name: lambda record: decode(UserForgotten, record.value or b"").tenant,
    GOLD.name: lambda record: decode(GoldQuestion, record.value or b"").tenant,
    GATES.name: lambda record: decode(GateDecided, record.value or b"").tenant,
    MODELS.name: lambda record: decode(ModelPublished, record.value or b"").learned.tenant,
    FEEDBACK_JOINS.name: _join_state,
}
