"""gRPC in: the twin of `events` over the same handlers."""

from typing import Any

from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceServicer
from headwater_kit.codec.documents import freshness_from_proto, passage_to_proto, watermark_to_proto
from headwater_kit.codec.filters import filter_from_proto
from headwater_kit.codec.rewriting import fusion_from_proto, variant_from_proto
from headwater_kit.rpc import context
from headwater_kit.telemetry import counter, names

from headwater_retrieve.domain.query import Query
from headwater_retrieve.handlers import IndexProgress, Search


class RetrieveRpc(RetrieveServiceServicer):
    """Serves `headwater.retrieve.v1.RetrieveService`."""

    def __init__(self, search: Search, progress: IndexProgress) -> None:
        self._search = search
        self._progress = progress

    async def Search(self, request: retrieve_pb2.SearchRequest, _: Any) -> retrieve_pb2.SearchResponse:
        """Finds the passages that answer a query best."""
        found = await self._search.search(_query(request), context.principal(), context.deadline())
        for leg in found.missing_legs:
            counter(names.RETRIEVE_MISSING_LEGS).add(1, {names.RETRIEVE_LEG: leg})
        return retrieve_pb2.SearchResponse(
            passages=map(passage_to_proto, found.passages),
            impression_id=found.impression_id,
            watermark=watermark_to_proto(found.watermark),
            missing_legs=found.missing_legs,
            searched=found.searched,
            left_out=found.left_out,
        )

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
        variants=tuple(map(variant_from_proto, request.variants)),
        fusion=fusion_from_proto(request.fusion),
        expand=request.expand,
    )
