"""gRPC in: the twin of `events` over the same handlers."""

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceServicer
from headwater_kit.codec.cascade import cascade_from_proto, report_to_proto, standing_to_proto
from headwater_kit.codec.documents import freshness_from_proto, passage_to_proto, watermark_to_proto
from headwater_kit.codec.filters import filter_from_proto
from headwater_kit.codec.rewriting import fusion_from_proto, variant_from_proto
from headwater_kit.codec.shape import facet_to_proto, group_to_proto, shape_from_proto
from headwater_kit.core.cascade import StageReport
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, InvalidInput
from headwater_kit.rpc import context
from headwater_kit.rpc.status import DETAILS_KEY, to_status
from headwater_kit.telemetry import counter, event, names

from headwater_retrieve.domain.query import Query
from headwater_retrieve.handlers import Found, IndexProgress, Search, search_all
from headwater_retrieve.handlers.reranking import OFF, RERANK


class RetrieveRpc(RetrieveServiceServicer):
    """Serves `headwater.retrieve.v1.RetrieveService`."""

    def __init__(self, search: Search, progress: IndexProgress, clock: Clock, stream_seconds: float) -> None:
        self._search = search
        self._progress = progress
        self._clock = clock
        self._stream_seconds = stream_seconds

    async def Search(self, request: retrieve_pb2.SearchRequest, _: Any) -> retrieve_pb2.SearchResponse:
        """Finds the passages that answer a query best."""
        found = await self._search.search(_query(request), context.principal(), context.deadline())
        return _response(found, is_explained=request.explain)

    async def StreamSearch(
        self, request: retrieve_pb2.StreamSearchRequest, _: Any
    ) -> AsyncIterator[retrieve_pb2.StreamSearchResponse]:
        """Finds them, a message each."""
        found = await self._search.search(_query(request.search), context.principal(), self._deadline())
        response = _response(found, is_explained=request.search.explain)
        for passage in response.passages:
            yield retrieve_pb2.StreamSearchResponse(passage=passage)
        response.ClearField("passages")
        yield retrieve_pb2.StreamSearchResponse(summary=response)

    async def BatchSearch(
        self, request: retrieve_pb2.BatchSearchRequest, _: Any
    ) -> AsyncIterator[retrieve_pb2.BatchSearchResponse]:
        """Searches several times at once."""
        queries = [partial(_query, each) for each in request.searches]
        async with aclosing(search_all(self._search, queries, context.principal(), self._deadline())) as results:
            async for place, result in results:
                if isinstance(result, HeadwaterError):
                    yield retrieve_pb2.BatchSearchResponse(search=place, failure=_failure(result))
                else:
                    shown = _response(result, is_explained=request.searches[place].explain)
                    yield retrieve_pb2.BatchSearchResponse(search=place, found=shown)

    def _deadline(self) -> Deadline:
        """The caller's, or the default: gRPC gives streams none."""
        deadline = context.deadline()
        if math.isfinite(deadline.remaining()):
            return deadline
        return Deadline.after(self._clock, self._stream_seconds)

    async def GetWatermark(
        self, _request: retrieve_pb2.GetWatermarkRequest, _: Any
    ) -> retrieve_pb2.GetWatermarkResponse:
        """Tells how far the index has come, and how far that is behind the log."""
        lag = await self._progress.lag()
        return retrieve_pb2.GetWatermarkResponse(
            watermark=watermark_to_proto(self._progress.positions()), lag=lag.records, staleness_ms=lag.staleness_ms
        )


def _query(request: retrieve_pb2.SearchRequest) -> Query:
    return Query(
        text=request.query,
        top_k=request.top_k,
        filter=filter_from_proto(request.filter) if request.HasField("filter") else None,
        freshness=freshness_from_proto(request.freshness),
        impression_id=request.impression_id,
        for_answer=request.for_answer,
        shape=shape_from_proto(request),
        variants=tuple(map(variant_from_proto, request.variants)),
        fusion=fusion_from_proto(request.fusion),
        expand=request.expand,
        cascade=cascade_from_proto(request.cascade),
        exploit_only=request.exploit_only,
    )


def _trace(reports: Sequence[StageReport]) -> None:
    """Notes what each stage did, in the trace of the call and of the reranker in a metric."""
    for report in reports:
        attributes: dict[str, str | bool | float] = {
            names.RETRIEVE_STAGE_RAN: report.ran,
            names.RETRIEVE_STAGE_REASON: report.reason,
        }
        attributes |= {f"{names.RETRIEVE_STAGE_FIGURE}.{name}": value for name, value in report.figures.items()}
        if report.stage == RERANK and report.reason != OFF:
            counter(names.RETRIEVE_RERANKS).add(1, {names.RETRIEVE_STAGE_RAN: report.ran})
        event(f"{names.RETRIEVE_STAGE}.{report.stage}", attributes)


def _response(found: Found, *, is_explained: bool) -> retrieve_pb2.SearchResponse:
    ranked, shown = found.ranked, found.shown
    for leg in ranked.missing_legs:
        counter(names.RETRIEVE_MISSING_LEGS).add(1, {names.RETRIEVE_LEG: leg})
    source = "kept" if ranked.from_cache else "ranked"
    counter(names.RETRIEVE_SEARCHES).add(1, {names.RETRIEVE_SOURCE: source})
    if not ranked.from_cache:
        _trace(ranked.reports)
    return retrieve_pb2.SearchResponse(
        passages=map(passage_to_proto, shown.passages),
        impression_id=found.impression_id,
        watermark=watermark_to_proto(found.watermark),
        missing_legs=ranked.missing_legs,
        searched=ranked.searched,
        left_out=ranked.left_out,
        next_cursor=shown.next_cursor,
        facets=map(facet_to_proto, shown.facets),
        groups=map(group_to_proto, shown.groups),
        list_changed=shown.list_changed,
        candidates=shown.candidates,
        rating_wanted=found.rating_wanted,
        stages=map(report_to_proto, ranked.reports) if is_explained else (),
        standings=map(standing_to_proto, found.standings) if is_explained else (),
    )


def _failure(error: HeadwaterError) -> retrieve_pb2.SearchFailure:
    refusal = to_status(error)
    return retrieve_pb2.SearchFailure(
        code=refusal.code.name,
        reason=error.reason,
        message=refusal.message,
        status=dict(refusal.trailing_metadata)[DETAILS_KEY],
        field=error.field if isinstance(error, InvalidInput) else "",
    )
