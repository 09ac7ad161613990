"""Topic values: an event ↔ its bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError, Message
from headwater.access.v1 import credentials_pb2
from headwater.events.v1 import audit_pb2, companions_pb2, reindexes_pb2, tenants_pb2
from headwater.events.v1 import events_pb2 as pb

from headwater_kit.codec import answers, audit, chain, companions, learning, models, tenants
from headwater_kit.codec import credentials as access
from headwater_kit.codec import reindexes as reindexing
from headwater_kit.core import credentials, events, impressions, reindexes
from headwater_kit.core.audit import AuditRecorded
from headwater_kit.core.companions import CompanionReported
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import GateDecided, GoldQuestion, ModelPublished
from headwater_kit.core.tenants import TenantErased

Event = TypeVar("Event")
Wire = TypeVar("Wire", bound=Message)


@dataclass(frozen=True, slots=True)
class Codec(Generic[Event, Wire]):
    """How one kind of event is written."""

    message: type[Wire]
    to_proto: Callable[[Event], Wire]
    from_proto: Callable[[Wire], Event]


CODECS: dict[type, Codec[Any, Any]] = {
    events.DocumentUpserted: Codec(pb.DocumentUpserted, chain.upserted_to_proto, chain.upserted_from_proto),
    events.DocumentChunked: Codec(pb.DocumentChunked, chain.chunked_to_proto, chain.chunked_from_proto),
    events.DocumentEmbedded: Codec(pb.DocumentEmbedded, chain.embedded_to_proto, chain.embedded_from_proto),
    events.DocumentIndexed: Codec(pb.DocumentIndexed, chain.indexed_to_proto, chain.indexed_from_proto),
    events.LedgerEntry: Codec(pb.LedgerEntry, chain.ledger_to_proto, chain.ledger_from_proto),
    events.QuestionAsked: Codec(pb.QuestionAsked, answers.question_to_proto, answers.question_from_proto),
    events.AnswerGenerated: Codec(pb.AnswerGenerated, answers.answer_to_proto, answers.answer_from_proto),
    events.GuardDecided: Codec(pb.GuardDecided, answers.decided_to_proto, answers.decided_from_proto),
    impressions.ImpressionRecorded: Codec(
        pb.ImpressionRecorded, learning.impression_to_proto, learning.impression_from_proto
    ),
    impressions.FeedbackRecorded: Codec(pb.FeedbackRecorded, learning.feedback_to_proto, learning.feedback_from_proto),
    impressions.TrainingRecorded: Codec(pb.TrainingRecorded, learning.training_to_proto, learning.training_from_proto),
    impressions.FeedbackQuarantined: Codec(
        pb.FeedbackQuarantined, learning.quarantined_to_proto, learning.quarantined_from_proto
    ),
    impressions.UserForgotten: Codec(pb.UserForgotten, learning.forgotten_to_proto, learning.forgotten_from_proto),
    ModelPublished: Codec(pb.ModelPublished, models.model_to_proto, models.model_from_proto),
    GoldQuestion: Codec(pb.GoldQuestion, models.gold_to_proto, models.gold_from_proto),
    GateDecided: Codec(pb.GateDecided, models.gate_to_proto, models.gate_from_proto),
    AuditRecorded: Codec(audit_pb2.AuditRecorded, audit.recorded_to_proto, audit.recorded_from_proto),
    TenantErased: Codec(tenants_pb2.TenantErased, tenants.erased_to_proto, tenants.erased_from_proto),
    reindexes.ReindexWished: Codec(
        reindexes_pb2.ReindexWished, reindexing.wished_to_proto, reindexing.wished_from_proto
    ),
    reindexes.ReindexReported: Codec(
        reindexes_pb2.ReindexReported, reindexing.reported_to_proto, reindexing.reported_from_proto
    ),
    reindexes.ReindexJudged: Codec(
        reindexes_pb2.ReindexJudged, reindexing.judged_to_proto, reindexing.judged_from_proto
    ),
    CompanionReported: Codec(
        companions_pb2.CompanionReported, companions.reported_to_proto, companions.reported_from_proto
    ),
    credentials.ApiKey: Codec(credentials_pb2.ApiKey, access.key_to_proto, access.key_from_proto),
    credentials.TenantStanding: Codec(
        credentials_pb2.TenantStanding, access.standing_to_proto, access.standing_from_proto
    ),
    credentials.RevokedToken: Codec(credentials_pb2.RevokedToken, access.revoked_to_proto, access.revoked_from_proto),
}


def encode(event: object) -> bytes:
    """A topic value's bytes; equal events give equal bytes. KeyError for what is no topic value."""
    wire: Message = CODECS[type(event)].to_proto(event)
    return wire.SerializeToString(deterministic=True)


def encode_embedded(embedded: events.DocumentEmbedded, chunked: bytes) -> bytes:
    """As `encode`, with the part as its own bytes have it: what a newer release put in there passes through."""
    wire = chain.embedded_to_proto(embedded)
    wire.chunked.ParseFromString(chunked)
    return wire.SerializeToString(deterministic=True)


def decode(kind: type[Event], value: bytes) -> Event:
    """The event of `kind` in a topic value.

    Raises InvalidInput: reason INVALID_METADATA where only that is wrong, else
    UNDECODABLE.
    """
    codec: Codec[Event, Any] = CODECS[kind]
    try:
        return codec.from_proto(codec.message.FromString(value))
    except DecodeError:
        message = f"the value is not a {codec.message.DESCRIPTOR.full_name}"
        raise InvalidInput(message, reason="UNDECODABLE", field="value") from None
    except InvalidInput as error:
        if error.reason != InvalidInput.reason:
            raise
        raise InvalidInput(error.message, reason="UNDECODABLE", field=error.field) from None
