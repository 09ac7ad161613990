"""Impressions, feedback and learned models ↔ `headwater.events.v1`."""

from headwater.events.v1 import events_pb2 as pb

from headwater_kit.codec.documents import parts_from_proto, parts_to_proto
from headwater_kit.codec.enums import REACTIONS
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.documents import ANONYMOUS, DEFAULT_TENANT
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import (
    ClickMemory,
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionItem,
    ImpressionRecorded,
    ModelPublished,
    PassageVotes,
)


def item_to_proto(item: ImpressionItem) -> pb.ImpressionItem:
    """One shown passage."""
    return pb.ImpressionItem(
        chunk_id=item.chunk_id,
        document_id=item.document_id,
        version=item.version,
        text_hash=item.text_hash,
        rank=item.rank,
        score=item.score,
        parts=parts_to_proto(item.parts),
    )


def item_from_proto(message: pb.ImpressionItem) -> ImpressionItem:
    """One shown passage."""
    return ImpressionItem(
        chunk_id=message.chunk_id,
        document_id=message.document_id,
        version=message.version,
        text_hash=message.text_hash,
        rank=message.rank,
        score=message.score,
        parts=parts_from_proto(message.parts),
    )


def impression_to_proto(event: ImpressionRecorded) -> pb.ImpressionRecorded:
    """A shown result list."""
    return pb.ImpressionRecorded(
        impression_id=event.impression_id,
        tenant=event.tenant,
        user=event.user,
        query=event.query,
        query_vector=event.query_vector,
        model_id=event.model_id,
        items=[item_to_proto(item) for item in event.items],
        show_time=time_to_proto(event.show_time),
        for_answer=event.for_answer,
    )


def impression_from_proto(message: pb.ImpressionRecorded) -> ImpressionRecorded:
    """A shown result list."""
    return ImpressionRecorded(
        impression_id=message.impression_id,
        tenant=message.tenant,
        user=message.user,
        query=message.query,
        query_vector=message.query_vector,
        model_id=message.model_id,
        items=tuple(item_from_proto(item) for item in message.items),
        show_time=time_from_proto(message.show_time),
        for_answer=message.for_answer,
    )


def feedback_to_proto(event: FeedbackRecorded) -> pb.FeedbackRecorded:
    """A user's reaction."""
    return pb.FeedbackRecorded(
        feedback_id=event.feedback_id,
        impression_id=event.impression_id,
        tenant=event.tenant,
        user=event.user,
        reaction=REACTIONS.to_proto(event.reaction),
        rank=event.rank,
        time=time_to_proto(event.time),
    )


def feedback_from_proto(message: pb.FeedbackRecorded) -> FeedbackRecorded:
    """A user's reaction; empty tenant and user are the defaults. Raises InvalidInput for an unset reaction."""
    return FeedbackRecorded(
        feedback_id=message.feedback_id,
        impression_id=message.impression_id,
        tenant=message.tenant or DEFAULT_TENANT,
        user=message.user or ANONYMOUS,
        reaction=REACTIONS.from_proto(message.reaction, "reaction"),
        rank=message.rank,
        time=time_from_proto(message.time),
    )


def joined_to_proto(event: FeedbackJoined) -> pb.FeedbackJoined:
    """A feedback with what was shown."""
    return pb.FeedbackJoined(
        feedback=feedback_to_proto(event.feedback),
        impression=impression_to_proto(event.impression),
        items=[item_to_proto(item) for item in event.items],
    )


def joined_from_proto(message: pb.FeedbackJoined) -> FeedbackJoined:
    """A feedback with what was shown. Raises InvalidInput."""
    return FeedbackJoined(
        feedback=feedback_from_proto(message.feedback),
        impression=impression_from_proto(message.impression),
        items=tuple(item_from_proto(item) for item in message.items),
    )


def model_to_proto(event: ModelPublished) -> pb.ModelPublished:
    """Learned state; its tenant stands on the message, not on the memory."""
    memory = event.memory
    return pb.ModelPublished(
        tenant=memory.tenant,
        memory=pb.ClickMemory(
            cluster_id=memory.cluster_id,
            centroid=memory.centroid,
            model_id=memory.model_id,
            votes=[_votes_to_proto(votes) for votes in memory.votes],
        ),
        publish_time=time_to_proto(event.publish_time),
    )


def model_from_proto(message: pb.ModelPublished) -> ModelPublished:
    """Learned state. Raises InvalidInput where the component is unset or unknown to this build."""
    if message.WhichOneof("component") != "memory":
        raise InvalidInput("component must be memory", field="component")
    memory = ClickMemory(
        tenant=message.tenant,
        cluster_id=message.memory.cluster_id,
        centroid=message.memory.centroid,
        model_id=message.memory.model_id,
        votes=tuple(_votes_from_proto(votes) for votes in message.memory.votes),
    )
    return ModelPublished(memory, time_from_proto(message.publish_time))


def _votes_to_proto(votes: PassageVotes) -> pb.PassageVotes:
    return pb.PassageVotes(document_id=votes.document_id, text_hash=votes.text_hash, up=votes.up, down=votes.down)


def _votes_from_proto(message: pb.PassageVotes) -> PassageVotes:
    return PassageVotes(message.document_id, message.text_hash, message.up, message.down)
