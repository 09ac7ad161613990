"""The embed service as the query encoder and the reranker."""

from collections.abc import Sequence

import grpc.aio
from headwater.embed.v1 import embed_pb2
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceStub
from headwater_kit.core.deadline import Deadline

from headwater_retrieve.ports import QueryVector


class RemoteEncoder:
    """`ports.QueryEncoder` over gRPC; queries go in their own lane."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = EmbedServiceStub(channel)

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """See `ports.QueryEncoder`."""
        return await self._embed(text, embed_pb2.TEXT_KIND_QUERY, model_id, deadline)

    async def encode_stored(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """See `ports.QueryEncoder`."""
        return await self._embed(text, embed_pb2.TEXT_KIND_PASSAGE, model_id, deadline)

    async def _embed(
        self, text: str, kind: "embed_pb2.TextKind.ValueType", model_id: str, deadline: Deadline
    ) -> QueryVector:
        request = embed_pb2.EmbedRequest(texts=[text], kind=kind, model_id=model_id)
        response = await self._stub.Embed(request, timeout=deadline.remaining())
        return QueryVector(response.vectors[0], response.model_id)


class RemoteCatalogue:
    """`ports.EncoderCatalogue` over gRPC; what a model is never changes, so it is asked about once."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = EmbedServiceStub(channel)
        self._scripts: dict[str, Sequence[str]] = {}

    async def scripts(self, model_id: str, deadline: Deadline) -> Sequence[str]:
        """See `ports.EncoderCatalogue`."""
        if model_id not in self._scripts:
            response = await self._stub.ListModels(embed_pb2.ListModelsRequest(), timeout=deadline.remaining())
            self._scripts |= {model.model_id: tuple(model.scripts) for model in response.models}
        return self._scripts.get(model_id, ())


class RemoteReranker:
    """`ports.Reranker` over gRPC, in the lane of queries."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = EmbedServiceStub(channel)

    async def score(self, question: str, passages: Sequence[str], deadline: Deadline) -> Sequence[float]:
        """See `ports.Reranker`."""
        request = embed_pb2.RerankRequest(query=question, passages=passages)
        response = await self._stub.Rerank(request, timeout=deadline.remaining())
        return tuple(response.scores)
