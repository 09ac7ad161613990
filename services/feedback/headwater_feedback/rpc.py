"""gRPC in: a thin twin of `events` over the same handlers."""

from typing import Any

from headwater.feedback.v1 import feedback_pb2
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceServicer
from headwater_kit.codec.enums import REACTIONS, STANDINGS
from headwater_kit.codec.times import time_to_proto
from headwater_kit.core.learning import ClickMemory, ModelPublished
from headwater_kit.rpc import context

from headwater_feedback.handlers import Reacted, Recording, UserForgetting
from headwater_feedback.ports import Models


class FeedbackRpc(FeedbackServiceServicer):
    """Serves `headwater.feedback.v1.FeedbackService`."""

    def __init__(self, recording: Recording, models: Models, forgetting: UserForgetting) -> None:
        self._recording = recording
        self._models = models
        self._forgetting = forgetting

    async def RecordFeedback(
        self, request: feedback_pb2.RecordFeedbackRequest, _: Any
    ) -> feedback_pb2.RecordFeedbackResponse:
        """Records a reaction."""
        reaction = REACTIONS.from_proto(request.reaction, "reaction")
        reacted = Reacted(
            request.impression_id, reaction, request.rank, request.feedback_id, request.value, request.text
        )
        recorded = await self._recording.record(reacted, context.principal())
        return feedback_pb2.RecordFeedbackResponse(
            feedback_id=recorded.feedback_id, standing=STANDINGS.to_proto(recorded.standing)
        )

    async def ListModels(self, _request: feedback_pb2.ListModelsRequest, _: Any) -> feedback_pb2.ListModelsResponse:
        """Lists what was learned for the caller's tenant."""
        models = self._models.of(context.principal().tenant)
        return feedback_pb2.ListModelsResponse(models=map(_listed, models))

    async def ForgetUser(self, request: feedback_pb2.ForgetUserRequest, _: Any) -> feedback_pb2.ForgetUserResponse:
        """Forgets what a user taught."""
        forgotten = await self._forgetting.forget(
            request.user, context.principal(), context.deadline(), dry_run=request.dry_run
        )
        return feedback_pb2.ForgetUserResponse(
            examples=forgotten.examples,
            models=forgotten.models,
            sha256_without=forgotten.sha256_without,
            sha256_learned=forgotten.sha256_learned,
        )


def _listed(model: ModelPublished) -> feedback_pb2.LearnedModel:
    return feedback_pb2.LearnedModel(
        component=model.learned.component,
        part=model.learned.part,
        example_count=_examples(model),
        publish_time=time_to_proto(model.publish_time),
    )


def _examples(model: ModelPublished) -> int:
    if isinstance(model.learned, ClickMemory):
        return sum(votes.up + votes.down for votes in model.learned.votes)
    return model.stamp.example_count if model.stamp else 0
