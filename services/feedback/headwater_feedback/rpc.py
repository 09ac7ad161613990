"""gRPC in: a thin twin of `events` over the same handlers."""

from typing import Any

from headwater.events.v1 import events_pb2
from headwater.feedback.v1 import feedback_pb2
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceServicer
from headwater_kit.codec.enums import REACTIONS, SERVING_POLICIES, STANDINGS
from headwater_kit.codec.models import gate_to_proto, gold_from_proto, gold_to_proto, stamp_to_proto
from headwater_kit.codec.reviews import REVIEW_KINDS, review_to_proto
from headwater_kit.codec.times import time_to_proto
from headwater_kit.core.learning import ClickMemory, ModelPublished
from headwater_kit.rpc import context

from headwater_feedback.handlers import (
    Gates,
    GoldQuestions,
    Known,
    LearnedModels,
    Reacted,
    Recording,
    Reviews,
    UserForgetting,
)


class FeedbackRpc(FeedbackServiceServicer):
    """Serves `headwater.feedback.v1.FeedbackService`."""

    def __init__(
        self,
        recording: Recording,
        models: LearnedModels,
        forgetting: UserForgetting,
        *,
        gates: Gates,
        gold: GoldQuestions,
        reviews: Reviews,
    ) -> None:
        self._recording = recording
        self._models = models
        self._forgetting = forgetting
        self._gates = gates
        self._gold = gold
        self._reviews = reviews

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

    async def PromoteModel(
        self, request: feedback_pb2.PromoteModelRequest, _: Any
    ) -> feedback_pb2.PromoteModelResponse:
        """Serves a model that was offered."""
        decided = await self._gates.promote(request.snapshot_id, context.principal())
        return feedback_pb2.PromoteModelResponse(decided=gate_to_proto(decided))

    async def RollbackModel(
        self, request: feedback_pb2.RollbackModelRequest, _: Any
    ) -> feedback_pb2.RollbackModelResponse:
        """Serves the model again that was before."""
        decided = await self._gates.roll_back(request.component, request.part, context.principal())
        return feedback_pb2.RollbackModelResponse(decided=gate_to_proto(decided))

    async def ExplainModel(
        self, request: feedback_pb2.ExplainModelRequest, _: Any
    ) -> feedback_pb2.ExplainModelResponse:
        """Tells where a model comes from."""
        explained = self._models.explain(context.principal().tenant, request.snapshot_id)
        return feedback_pb2.ExplainModelResponse(
            model=_listed(explained.known),
            ancestors=map(_listed, explained.ancestors),
            decided=map(gate_to_proto, explained.decided),
        )

    async def DiffModels(self, request: feedback_pb2.DiffModelsRequest, _: Any) -> feedback_pb2.DiffModelsResponse:
        """Sets two models side by side."""
        found = self._models.diff(context.principal().tenant, request.left_id, request.right_id)
        return feedback_pb2.DiffModelsResponse(
            left=_listed(found.left) if found.left else None,
            right=_listed(found.right),
            values=[
                feedback_pb2.ModelValue(name=name, left=left, right=right)
                for name, (left, right) in found.values.items()
            ],
        )

    async def ListGates(self, request: feedback_pb2.ListGatesRequest, _: Any) -> feedback_pb2.ListGatesResponse:
        """Lists what the gate decided."""
        found = self._models.gates(context.principal().tenant, request.component, request.limit)
        return feedback_pb2.ListGatesResponse(decided=map(gate_to_proto, found))

    async def AddGold(self, request: feedback_pb2.AddGoldRequest, _: Any) -> feedback_pb2.AddGoldResponse:
        """Adds questions whose answers are known."""
        done = await self._gold.add([gold_from_proto(each) for each in request.questions], context.principal())
        return feedback_pb2.AddGoldResponse(added=done.added, replaced=done.replaced)

    async def RemoveGold(self, request: feedback_pb2.RemoveGoldRequest, _: Any) -> feedback_pb2.RemoveGoldResponse:
        """Takes gold questions out."""
        removed = await self._gold.remove(request.queries, context.principal(), everything=request.all)
        return feedback_pb2.RemoveGoldResponse(removed=removed)

    async def ListGold(self, _request: feedback_pb2.ListGoldRequest, _: Any) -> feedback_pb2.ListGoldResponse:
        """Lists the gold questions."""
        return feedback_pb2.ListGoldResponse(questions=map(gold_to_proto, self._gold.of(context.principal().tenant)))

    async def ListReviewItems(
        self, request: feedback_pb2.ListReviewItemsRequest, _: Any
    ) -> feedback_pb2.ListReviewItemsResponse:
        """Lists what a person should look at."""
        kind = REVIEW_KINDS.from_proto(request.kind, "kind") if request.kind else None
        found = self._reviews.of(context.principal().tenant, kind, request.limit)
        return feedback_pb2.ListReviewItemsResponse(items=map(review_to_proto, found))


def _listed(known: Known) -> feedback_pb2.LearnedModel:
    model = known.model
    return feedback_pb2.LearnedModel(
        component=model.learned.component,
        part=model.learned.part,
        example_count=_examples(model),
        publish_time=time_to_proto(model.publish_time) if known.stage else None,
        stamp=stamp_to_proto(model.stamp) if model.stamp else None,
        stage=SERVING_POLICIES.to_proto(known.stage) if known.stage else events_pb2.SERVING_POLICY_UNSPECIFIED,
        share=model.share,
    )


def _examples(model: ModelPublished) -> int:
    if isinstance(model.learned, ClickMemory):
        return sum(votes.up + votes.down for votes in model.learned.votes)
    return model.stamp.example_count if model.stamp else 0
