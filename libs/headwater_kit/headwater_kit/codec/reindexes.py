"""Reindexes ↔ `headwater.events.v1`."""

from headwater.events.v1 import reindexes_pb2 as pb

from headwater_kit.codec.enums import EnumTable
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.reindexes import (
    ReindexJudged,
    ReindexReported,
    ReindexSide,
    ReindexStage,
    ReindexTarget,
    ReindexWished,
)

TARGETS = EnumTable(
    {
        ReindexTarget.READY: pb.REINDEX_TARGET_READY,
        ReindexTarget.PROMOTED: pb.REINDEX_TARGET_PROMOTED,
        ReindexTarget.CANCELLED: pb.REINDEX_TARGET_CANCELLED,
    }
)
STAGES = EnumTable(
    {
        ReindexStage.EMBEDDING: pb.REINDEX_STAGE_EMBEDDING,
        ReindexStage.CHECKING: pb.REINDEX_STAGE_CHECKING,
        ReindexStage.READY: pb.REINDEX_STAGE_READY,
        ReindexStage.PROMOTED: pb.REINDEX_STAGE_PROMOTED,
        ReindexStage.DONE: pb.REINDEX_STAGE_DONE,
        ReindexStage.CANCELLED: pb.REINDEX_STAGE_CANCELLED,
        ReindexStage.FAILED: pb.REINDEX_STAGE_FAILED,
    }
)


def wished_to_proto(event: ReindexWished) -> pb.ReindexWished:
    """A wish."""
    return pb.ReindexWished(
        reindex_id=event.reindex_id,
        target=TARGETS.to_proto(event.target),
        model_id=event.model_id,
        dimension=event.dimension,
        wish_time=time_to_proto(event.wish_time),
    )


def wished_from_proto(message: pb.ReindexWished) -> ReindexWished:
    """A wish."""
    return ReindexWished(
        reindex_id=message.reindex_id,
        target=TARGETS.from_proto(message.target, "target"),
        model_id=message.model_id,
        dimension=message.dimension,
        wish_time=time_from_proto(message.wish_time),
    )


def reported_to_proto(event: ReindexReported) -> pb.ReindexReported:
    """A report."""
    end, drop = event.estimated_end_time, event.drop_time
    return pb.ReindexReported(
        reindex_id=event.reindex_id,
        stage=STAGES.to_proto(event.stage),
        incumbent=_side_to_proto(event.incumbent),
        challenger=_side_to_proto(event.challenger),
        done=event.done,
        total=event.total,
        estimated_end_time=None if end is None else time_to_proto(end),
        passed_over=event.passed_over,
        drop_time=None if drop is None else time_to_proto(drop),
        reason=event.reason,
    )


def reported_from_proto(message: pb.ReindexReported) -> ReindexReported:
    """A report."""
    has_end, has_drop = message.HasField("estimated_end_time"), message.HasField("drop_time")
    return ReindexReported(
        reindex_id=message.reindex_id,
        stage=STAGES.from_proto(message.stage, "stage"),
        incumbent=_side_from_proto(message.incumbent),
        challenger=_side_from_proto(message.challenger),
        done=message.done,
        total=message.total,
        estimated_end_time=time_from_proto(message.estimated_end_time) if has_end else None,
        passed_over=message.passed_over,
        drop_time=time_from_proto(message.drop_time) if has_drop else None,
        reason=message.reason,
    )


def judged_to_proto(event: ReindexJudged) -> pb.ReindexJudged:
    """A judgement."""
    return pb.ReindexJudged(
        reindex_id=event.reindex_id,
        judge_time=time_to_proto(event.judge_time),
        queries=event.queries,
        agreement=event.agreement,
        judged=event.judged,
        incumbent_ndcg=event.incumbent_ndcg,
        challenger_ndcg=event.challenger_ndcg,
        passed=event.passed,
        reason=event.reason,
    )


def judged_from_proto(message: pb.ReindexJudged) -> ReindexJudged:
    """A judgement."""
    return ReindexJudged(
        reindex_id=message.reindex_id,
        judge_time=time_from_proto(message.judge_time),
        queries=message.queries,
        agreement=message.agreement,
        judged=message.judged,
        incumbent_ndcg=message.incumbent_ndcg,
        challenger_ndcg=message.challenger_ndcg,
        passed=message.passed,
        reason=message.reason,
    )


def _side_to_proto(side: ReindexSide) -> pb.ReindexSide:
    return pb.ReindexSide(
        collection=side.collection, label=side.label, model_id=side.model_id, dimension=side.dimension
    )


def _side_from_proto(message: pb.ReindexSide) -> ReindexSide:
    return ReindexSide(message.collection, message.label, message.model_id, message.dimension)
