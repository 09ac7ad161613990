"""What was learned: models listed, explained, set side by side, promoted and rolled back; gold questions. By gRPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.events.v1 import events_pb2
from headwater.feedback.v1 import feedback_pb2 as pb
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceStub
from headwater_kit.codec.enums import SERVING_POLICIES
from headwater_kit.codec.models import gate_from_proto, gold_from_proto, gold_to_proto, stamp_from_proto
from headwater_kit.codec.reviews import REVIEW_KINDS, review_from_proto
from headwater_kit.codec.times import time_from_proto
from headwater_kit.core.learning import GateDecided, GoldQuestion, ServingPolicy, Stamp
from headwater_kit.core.reviews import ReviewItem, ReviewKind

from headwater_client.connection import Connection


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """What was learned. `stage` is None for a model that was offered and is not served; `share` that of a canary.

    `publish_time` in seconds since the epoch. `example_count`: votes or examples behind it.
    """

    component: str
    part: str
    example_count: int
    publish_time: float | None
    stamp: Stamp | None
    stage: ServingPolicy | None
    share: float

    @property
    def snapshot_id(self) -> str:
        """Its id; empty where it has none."""
        return self.stamp.snapshot_id if self.stamp else ""


@dataclass(frozen=True, slots=True)
class ModelExplanation:
    """A model, those that it was trained on from, nearest first, and what the gate decided about it, in order."""

    model: LearnedModel
    ancestors: tuple[LearnedModel, ...]
    decided: tuple[GateDecided, ...]


@dataclass(frozen=True, slots=True)
class ModelDifference:
    """Two models and their numbers by name, None where one has none; `left` is None where nothing was learned."""

    left: LearnedModel | None
    right: LearnedModel
    values: Mapping[str, tuple[float | None, float | None]]


class Learning:
    """The feedback service's calls about what was learned. Every call raises HeadwaterErrors, as the service does."""

    def __init__(self, connection: Connection, target: str) -> None:
        self._connection = connection
        self._stub = FeedbackServiceStub(connection.channel(target))

    async def models(self) -> tuple[LearnedModel, ...]:
        """What is served of the caller's tenant, and what was offered lately and is not."""
        response = await self._stub.ListModels(
            pb.ListModelsRequest(), timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return tuple(map(_model, response.models))

    async def promote(self, snapshot_id: str) -> GateDecided:
        """Serves a model that was offered, whatever the gate thinks of it. Raises NotFound, Denied."""
        request = pb.PromoteModelRequest(snapshot_id=snapshot_id)
        return gate_from_proto(
            (
                await self._stub.PromoteModel(
                    request, timeout=self._connection.seconds, metadata=self._connection.metadata
                )
            ).decided
        )

    async def roll_back(self, component: str, part: str = "") -> GateDecided:
        """Serves the model again that was before, or none. Raises NotFound, Denied."""
        request = pb.RollbackModelRequest(component=component, part=part)
        return gate_from_proto(
            (
                await self._stub.RollbackModel(
                    request, timeout=self._connection.seconds, metadata=self._connection.metadata
                )
            ).decided
        )

    async def explain(self, snapshot_id: str) -> ModelExplanation:
        """Where a model comes from. Raises NotFound."""
        request = pb.ExplainModelRequest(snapshot_id=snapshot_id)
        found = await self._stub.ExplainModel(
            request, timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        decided = tuple(map(gate_from_proto, found.decided))
        return ModelExplanation(_model(found.model), tuple(map(_model, found.ancestors)), decided)

    async def diff(self, right_id: str, left_id: str = "") -> ModelDifference:
        """A model beside another of its kind, or beside what is live. Raises NotFound."""
        request = pb.DiffModelsRequest(left_id=left_id, right_id=right_id)
        found = await self._stub.DiffModels(
            request, timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        values = {
            each.name: (
                each.left if each.HasField("left") else None,
                each.right if each.HasField("right") else None,
            )
            for each in found.values
        }
        return ModelDifference(_model(found.left) if found.HasField("left") else None, _model(found.right), values)

    async def gates(self, component: str = "", limit: int = 0) -> tuple[GateDecided, ...]:
        """What the gate decided, latest first; `limit` 0 means 50."""
        request = pb.ListGatesRequest(component=component, limit=limit)
        return tuple(
            map(
                gate_from_proto,
                (
                    await self._stub.ListGates(
                        request, timeout=self._connection.seconds, metadata=self._connection.metadata
                    )
                ).decided,
            )
        )

    async def add_gold(self, questions: Sequence[GoldQuestion]) -> tuple[int, int]:
        """Adds questions whose answers are known, 1,000 at most; how many are new, and how many replaced one.

        Tenant, user and time are the caller's and now.
        """
        request = pb.AddGoldRequest(questions=map(gold_to_proto, questions))
        done = await self._stub.AddGold(request, timeout=self._connection.seconds, metadata=self._connection.metadata)
        return done.added, done.replaced

    async def remove_gold(self, queries: Sequence[str] = (), *, everything: bool = False) -> int:
        """Takes gold questions out; returns how many."""
        request = pb.RemoveGoldRequest(queries=queries, all=everything)
        return (
            await self._stub.RemoveGold(request, timeout=self._connection.seconds, metadata=self._connection.metadata)
        ).removed

    async def gold(self) -> tuple[GoldQuestion, ...]:
        """The gold questions of the caller's tenant."""
        response = await self._stub.ListGold(
            pb.ListGoldRequest(), timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return tuple(map(gold_from_proto, response.questions))

    async def reviews(self, kind: ReviewKind | None = None, limit: int = 0) -> tuple[ReviewItem, ...]:
        """What a person should look at, `limit` of each kind at most; 0 means 50. Raises Denied."""
        wanted = REVIEW_KINDS.to_proto(kind) if kind else pb.REVIEW_KIND_UNSPECIFIED
        response = await self._stub.ListReviewItems(
            pb.ListReviewItemsRequest(kind=wanted, limit=limit),
            timeout=self._connection.seconds,
            metadata=self._connection.metadata,
        )
        return tuple(map(review_from_proto, response.items))


def _model(message: pb.LearnedModel) -> LearnedModel:
    is_served = message.stage != events_pb2.SERVING_POLICY_UNSPECIFIED
    return LearnedModel(
        component=message.component,
        part=message.part,
        example_count=message.example_count,
        publish_time=time_from_proto(message.publish_time) if message.HasField("publish_time") else None,
        stamp=stamp_from_proto(message.stamp) if message.HasField("stamp") else None,
        stage=SERVING_POLICIES.from_proto(message.stage, "stage") if is_served else None,
        share=message.share,
    )
