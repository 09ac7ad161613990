"""The embed service as the query encoder."""

import grpc.aio
from headwater.embed.v1 import embed_pb2
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceStub
from headwater_kit.core.deadline import Deadline

from headwater_retrieve.ports import QueryVector


class RemoteEncoder:
    """`ports.QueryEncoder` over gRPC, in the lane of queries."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = EmbedServiceStub(channel)

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """See `ports.QueryEncoder`."""
        request = embed_pb2.EmbedRequest(texts=[text], kind=embed_pb2.TEXT_KIND_QUERY, model_id=model_id)
        response = await self._stub.Embed(request, timeout=deadline.remaining())
        return QueryVector(response.vectors[0], response.model_id)
