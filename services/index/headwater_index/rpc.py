"""gRPC in: a thin twin of `events` over the same handlers."""

from typing import Any

from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceServicer
from headwater_kit.codec.documents import watermark_to_proto
from headwater_kit.rpc import context

from headwater_index.handlers.indexing import Indexer


class IndexRpc(IndexServiceServicer):
    """Serves `headwater.index.v1.IndexService`."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer

    async def GetStats(self, _request: pb.GetStatsRequest, _: Any) -> pb.GetStatsResponse:
        """Tells the state of the index over the caller's tenant."""
        stats = await self._indexer.stats(context.principal().tenant)
        return pb.GetStatsResponse(
            collection=stats.collection,
            model_id=stats.model_id,
            chunk_count=stats.chunk_count,
            document_count=stats.document_count,
            watermark=watermark_to_proto(stats.watermark),
        )
