"""gRPC in: a thin twin of `events` over the same handlers."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceServicer
from headwater_kit.codec.companions import reported_to_proto as companion_to_proto
from headwater_kit.codec.documents import watermark_to_proto
from headwater_kit.codec.reindexes import judged_to_proto, reported_to_proto
from headwater_kit.codec.times import time_to_proto
from headwater_kit.core.reindexes import JudgedQuery, ReindexStatus
from headwater_kit.rpc import context

from headwater_index.domain.access import check_operator, tenant_to_compare
from headwater_index.domain.drift import Example, Kind, Progress, Scope, Stage, TenantDrift
from headwater_index.domain.erasure import EraseProgress, EraseStage, Remains
from headwater_index.domain.rebuilds import RebuildProgress, RebuildStage
from headwater_index.handlers.beside import Companions, CompanionStats
from headwater_index.handlers.erasing import TenantErasing
from headwater_index.handlers.indexing import Indexer
from headwater_index.handlers.passes import Passes
from headwater_index.handlers.rebuilds import Rebuilds
from headwater_index.handlers.reindexes import Reindexes

STAGES = {
    Stage.READING_LOG: pb.RECONCILE_STAGE_READING_LOG,
    Stage.SCANNING_STORE: pb.RECONCILE_STAGE_SCANNING_STORE,
    Stage.LOOKING_AGAIN: pb.RECONCILE_STAGE_LOOKING_AGAIN,
    Stage.WRITING: pb.RECONCILE_STAGE_WRITING,
    Stage.CHECKING: pb.RECONCILE_STAGE_CHECKING,
}
KINDS = {
    Kind.MISSING: pb.DRIFT_KIND_MISSING,
    Kind.EXTRA: pb.DRIFT_KIND_EXTRA,
    Kind.MIXED: pb.DRIFT_KIND_MIXED,
}
REBUILD_STAGES = {
    RebuildStage.NONE: pb.REBUILD_STAGE_UNSPECIFIED,
    RebuildStage.REPLAYING: pb.REBUILD_STAGE_REPLAYING,
    RebuildStage.CHECKING: pb.REBUILD_STAGE_CHECKING,
    RebuildStage.SWITCHING: pb.REBUILD_STAGE_SWITCHING,
    RebuildStage.SETTLING: pb.REBUILD_STAGE_SETTLING,
    RebuildStage.DONE: pb.REBUILD_STAGE_DONE,
    RebuildStage.FAILED: pb.REBUILD_STAGE_FAILED,
}


ERASE_STAGES = {
    EraseStage.DELETING: pb.DELETE_TENANT_STAGE_DELETING,
    EraseStage.FOLLOWING: pb.DELETE_TENANT_STAGE_FOLLOWING,
    EraseStage.REMOVING: pb.DELETE_TENANT_STAGE_REMOVING,
    EraseStage.LOOKING: pb.DELETE_TENANT_STAGE_LOOKING,
}


class IndexRpc(IndexServiceServicer):
    """Serves `headwater.index.v1.IndexService`; `operators` is the tenant whose users may ask for all tenants."""

    def __init__(
        self,
        indexer: Indexer,
        passes: Passes,
        rebuilds: Rebuilds,
        reindexes: Reindexes,
        erasing: TenantErasing,
        *,
        companions: Companions,
        operators: str,
    ) -> None:
        self._erasing = erasing
        self._companions = companions
        self._indexer = indexer
        self._passes = passes
        self._rebuilds = rebuilds
        self._reindexes = reindexes
        self._operators = operators

    async def GetStats(self, _request: pb.GetStatsRequest, _: Any) -> pb.GetStatsResponse:
        """Tells the state of the index over the caller's tenant."""
        tenant = context.principal().tenant
        stats, beside = await self._indexer.stats(tenant), await self._companions.stats(tenant)
        return pb.GetStatsResponse(
            collection=stats.collection,
            model_id=stats.model_id,
            chunk_count=stats.chunk_count,
            document_count=stats.document_count,
            watermark=watermark_to_proto(stats.watermark),
            beside=map(_beside, beside),
        )

    async def Reconcile(self, request: pb.ReconcileRequest, _: Any) -> AsyncIterator[pb.ReconcileResponse]:
        """Compares the store with the log; ends with its caller."""
        tenant = tenant_to_compare(context.principal(), request.tenant, self._operators)
        async with aclosing(self._passes.called(Scope(tenant, request.repair))) as updates:
            async for update in updates:
                yield _update(update)

    async def Rebuild(self, request: pb.RebuildRequest, _: Any) -> AsyncIterator[pb.RebuildResponse]:
        """Makes the collection anew; goes on without its caller."""
        check_operator(context.principal(), self._operators)
        async for progress in self._rebuilds.follow(begin=not request.join_only):
            yield _rebuild(progress)

    async def Reindex(self, request: pb.ReindexRequest, _: Any) -> AsyncIterator[pb.ReindexResponse]:
        """Embeds all documents with another model; goes on without its caller."""
        check_operator(context.principal(), self._operators)
        async for status in self._reindexes.follow(request.model):
            yield pb.ReindexResponse(status=_status(status))

    async def GetReindex(self, _request: pb.GetReindexRequest, _: Any) -> pb.GetReindexResponse:
        """Tells what the last reindex is at."""
        check_operator(context.principal(), self._operators)
        return pb.GetReindexResponse(status=_status(self._reindexes.status()))

    async def JudgeReindex(self, request: pb.JudgeReindexRequest, _: Any) -> pb.JudgeReindexResponse:
        """Compares the two collections."""
        check_operator(context.principal(), self._operators)
        status = await self._reindexes.judge([_query(query) for query in request.queries])
        return pb.JudgeReindexResponse(status=_status(status))

    async def PromoteReindex(self, request: pb.PromoteReindexRequest, _: Any) -> pb.PromoteReindexResponse:
        """Lets searches read the new collection."""
        check_operator(context.principal(), self._operators)
        status = await self._reindexes.promote(below_gate=request.below_gate)
        return pb.PromoteReindexResponse(status=_status(status))

    async def RollbackReindex(self, _request: pb.RollbackReindexRequest, _: Any) -> pb.RollbackReindexResponse:
        """Lets searches read the old collection again."""
        check_operator(context.principal(), self._operators)
        return pb.RollbackReindexResponse(status=_status(await self._reindexes.rollback()))

    async def CancelReindex(self, _request: pb.CancelReindexRequest, _: Any) -> pb.CancelReindexResponse:
        """Gives a reindex up."""
        check_operator(context.principal(), self._operators)
        return pb.CancelReindexResponse(status=_status(await self._reindexes.cancel()))

    async def DeleteTenant(self, request: pb.DeleteTenantRequest, _: Any) -> AsyncIterator[pb.DeleteTenantResponse]:
        """Erases a tenant; ends with its caller."""
        check_operator(context.principal(), self._operators)
        async with aclosing(self._erasing.run(request.tenant, report_only=request.report_only)) as updates:
            async for update in updates:
                yield _erased(update)


def _beside(stats: CompanionStats) -> pb.CompanionStats:
    counts = stats.counts
    report = companion_to_proto(stats.report)
    return pb.CompanionStats(report=report, chunk_count=counts.chunks, document_count=counts.documents)


def _update(update: Progress | TenantDrift) -> pb.ReconcileResponse:
    if isinstance(update, TenantDrift):
        return pb.ReconcileResponse(drift=_drift(update))
    progress = pb.ReconcileProgress(stage=STAGES[update.stage], done=update.done, total=update.total)
    return pb.ReconcileResponse(progress=progress)


def _drift(drift: TenantDrift) -> pb.TenantDrift:
    return pb.TenantDrift(
        tenant=drift.tenant,
        documents=drift.documents,
        pending=drift.pending,
        put_aside=drift.put_aside,
        missing=drift.counts.get(Kind.MISSING, 0),
        extra=drift.counts.get(Kind.EXTRA, 0),
        mixed=drift.counts.get(Kind.MIXED, 0),
        repaired=drift.repaired,
        examples=map(_example, drift.examples),
        beside=drift.beside,
    )


def _example(example: Example) -> pb.DocumentDrift:
    return pb.DocumentDrift(
        document_id=example.document_id,
        kind=KINDS[example.kind],
        accepted_version=example.accepted_version,
        served_version=example.served_version,
        missing_rows=example.missing_rows,
        extra_rows=example.extra_rows,
        repaired=example.repaired,
    )


def _status(status: ReindexStatus) -> pb.ReindexStatus:
    report, judgement = status.report, status.judgement
    return pb.ReindexStatus(
        report=reported_to_proto(report) if report else None,
        judgement=judged_to_proto(judgement) if judgement else None,
    )


def _query(message: pb.JudgedQuery) -> JudgedQuery:
    return JudgedQuery(message.tenant, message.text, dict(message.relevant))


def _rebuild(progress: RebuildProgress) -> pb.RebuildResponse:
    end = progress.estimated_end_time
    return pb.RebuildResponse(
        stage=REBUILD_STAGES[progress.stage],
        collection=progress.collection,
        done=progress.done,
        total=progress.total,
        estimated_end_time=None if end is None else time_to_proto(end),
        passed_over=progress.passed_over,
        reason=progress.reason,
    )


def _erased(update: EraseProgress | Remains) -> pb.DeleteTenantResponse:
    if isinstance(update, EraseProgress):
        progress = pb.DeleteTenantProgress(stage=ERASE_STAGES[update.stage], done=update.done)
        return pb.DeleteTenantResponse(progress=progress)
    remains = pb.TenantRemains(
        place=update.place,
        left=update.left,
        expiring=update.expiring,
        gone_by=None if update.gone_by is None else time_to_proto(update.gone_by),
    )
    return pb.DeleteTenantResponse(remains=remains)
