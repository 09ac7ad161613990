"""Impressions, feedback and what is learned from ↔ `headwater.events.v1`."""

import math

from headwater.events.v1 import events_pb2 as pb

from headwater_kit.codec.documents import parts_from_proto, parts_to_proto, position_from_proto, position_to_proto
from headwater_kit.codec.enums import REACTIONS, SERVING_POLICIES, TEAMS
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.documents import ANONYMOUS, DEFAULT_TENANT
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackQuarantined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionItem,
    ImpressionRecorded,
    Judgement,
    TrainingRecorded,
    UserForgotten,
)
from headwater_kit.core.learning import Serving


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
        features=item.features,
        log_propensity=item.log_propensity,
        team=TEAMS.to_proto(item.team) if item.team else pb.TEAM_UNSPECIFIED,
        vector=item.vector,
    )


def item_from_proto(message: pb.ImpressionItem) -> ImpressionItem:
    """One shown passage. Raises InvalidInput for a rank below 1 and for what is no probability."""
    if message.rank < 1:
        raise InvalidInput(f"rank must be 1 or more, is {message.rank}", field="rank")
    if not message.log_propensity <= 0.0 or not math.isfinite(message.log_propensity):
        raise InvalidInput("log_propensity must be a number of at most 0", field="log_propensity")
    return ImpressionItem(
        chunk_id=message.chunk_id,
        document_id=message.document_id,
        version=message.version,
        text_hash=message.text_hash,
        rank=message.rank,
        score=message.score,
        parts=parts_from_proto(message.parts),
        features=tuple(message.features),
        log_propensity=message.log_propensity,
        team=TEAMS.from_proto(message.team, "team") if message.team else None,
        vector=message.vector,
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
        pseudonym=event.pseudonym,
        serving=_serving_to_proto(event.serving),
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
        pseudonym=message.pseudonym,
        serving=_serving_from_proto(message.serving),
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
        value=event.value,
        text=event.text,
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
        value=message.value,
        text=message.text,
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


def training_to_proto(event: TrainingRecorded) -> pb.TrainingRecorded:
    """An example to learn from."""
    if isinstance(event.example, FeedbackJoined):
        return pb.TrainingRecorded(joined=joined_to_proto(event.example))
    return pb.TrainingRecorded(closed=closed_to_proto(event.example))


def training_from_proto(message: pb.TrainingRecorded) -> TrainingRecorded:
    """An example to learn from. Raises InvalidInput where it is unset or unknown to this build."""
    match message.WhichOneof("example"):
        case "joined":
            return TrainingRecorded(joined_from_proto(message.joined))
        case "closed":
            return TrainingRecorded(closed_from_proto(message.closed))
        case _:
            raise InvalidInput("example must be joined or closed", field="example")


def closed_to_proto(event: ImpressionClosed) -> pb.ImpressionClosed:
    """A list and what was made of it."""
    return pb.ImpressionClosed(
        impression=impression_to_proto(event.impression),
        judgements=[_judgement_to_proto(judgement) for judgement in event.judgements],
        revision=event.revision,
        close_time=time_to_proto(event.close_time),
        abandoned=event.abandoned,
    )


def closed_from_proto(message: pb.ImpressionClosed) -> ImpressionClosed:
    """A list and what was made of it. Raises InvalidInput."""
    return ImpressionClosed(
        impression=impression_from_proto(message.impression),
        judgements=tuple(_judgement_from_proto(judgement) for judgement in message.judgements),
        revision=message.revision,
        close_time=time_from_proto(message.close_time),
        abandoned=message.abandoned,
    )


def quarantined_to_proto(event: FeedbackQuarantined) -> pb.FeedbackQuarantined:
    """A feedback without effect."""
    return pb.FeedbackQuarantined(
        feedback=feedback_to_proto(event.feedback),
        reason=event.reason,
        detail=event.detail,
        time=time_to_proto(event.time),
    )


def quarantined_from_proto(message: pb.FeedbackQuarantined) -> FeedbackQuarantined:
    """A feedback without effect. Raises InvalidInput."""
    return FeedbackQuarantined(
        feedback_from_proto(message.feedback), message.reason, message.detail, time_from_proto(message.time)
    )


def forgotten_to_proto(event: UserForgotten) -> pb.UserForgotten:
    """A user who is forgotten."""
    return pb.UserForgotten(tenant=event.tenant, pseudonym=event.pseudonym, time=time_to_proto(event.time))


def forgotten_from_proto(message: pb.UserForgotten) -> UserForgotten:
    """A user who is forgotten."""
    return UserForgotten(message.tenant, message.pseudonym, time_from_proto(message.time))


def _judgement_to_proto(judgement: Judgement) -> pb.Judgement:
    return pb.Judgement(
        rank=judgement.rank,
        label=judgement.label,
        examined=judgement.examined,
        cited=judgement.cited,
        dwell_seconds=judgement.dwell_seconds,
        reactions=[REACTIONS.to_proto(reaction) for reaction in judgement.reactions],
        expert=judgement.expert,
    )


def _judgement_from_proto(message: pb.Judgement) -> Judgement:
    return Judgement(
        rank=message.rank,
        label=message.label,
        examined=message.examined,
        cited=message.cited,
        dwell_seconds=message.dwell_seconds,
        reactions=tuple(REACTIONS.from_proto(reaction, "reactions") for reaction in message.reactions),
        expert=message.expert,
    )


def _serving_to_proto(serving: Serving) -> pb.Serving:
    return pb.Serving(
        policy=SERVING_POLICIES.to_proto(serving.policy),
        ranker_id=serving.ranker_id,
        adapter_id=serving.adapter_id,
        challenger_id=serving.challenger_id,
        models_position=position_to_proto(serving.models_position) if serving.models_position else None,
        watermark=[position_to_proto(position) for position in serving.watermark],
        arms=serving.arms,
    )


def _serving_from_proto(message: pb.Serving) -> Serving:
    """What an order was made by; unset in records from before it was told."""
    if message.policy == pb.SERVING_POLICY_UNSPECIFIED:
        return Serving()
    return Serving(
        policy=SERVING_POLICIES.from_proto(message.policy, "policy"),
        ranker_id=message.ranker_id,
        adapter_id=message.adapter_id,
        challenger_id=message.challenger_id,
        models_position=position_from_proto(message.models_position) if message.HasField("models_position") else None,
        watermark=tuple(position_from_proto(position) for position in message.watermark),
        arms=dict(message.arms),
    )
