"""gRPC in: a thin twin of `events` over the same handlers."""

from collections.abc import Mapping
from typing import Any

from headwater.embed.v1 import embed_pb2 as pb
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceServicer
from headwater_inference.ports import ModelCard
from headwater_kit.core.errors import InvalidInput
from headwater_kit.rpc import context

from headwater_embed.domain import TextKind
from headwater_embed.handlers import Embedder, Reranking

KINDS: Mapping[int, TextKind] = {pb.TEXT_KIND_QUERY: TextKind.QUERY, pb.TEXT_KIND_PASSAGE: TextKind.PASSAGE}


class EmbedRpc(EmbedServiceServicer):
    """Serves `headwater.embed.v1.EmbedService`."""

    def __init__(self, embedder: Embedder, reranking: Reranking) -> None:
        self._embedder = embedder
        self._reranking = reranking

    async def Embed(self, request: pb.EmbedRequest, _: Any) -> pb.EmbedResponse:
        """Embeds texts."""
        embedded = await self._embedder.embed_texts(
            request.texts, _kind(request.kind), request.model_id, context.deadline(), bulk=request.bulk
        )
        return pb.EmbedResponse(
            vectors=[embedding.vector for embedding in embedded.embeddings],
            model_id=embedded.model_id,
            dimension=embedded.dimension,
            truncated=embedded.truncated,
        )

    async def Rerank(self, request: pb.RerankRequest, _: Any) -> pb.RerankResponse:
        """Scores passages for a query."""
        reranked = await self._reranking.rerank(request.query, request.passages, context.deadline())
        return pb.RerankResponse(scores=reranked.scores, model_id=reranked.model_id)

    async def ListModels(self, _request: pb.ListModelsRequest, _: Any) -> pb.ListModelsResponse:
        """Names the models."""
        return pb.ListModelsResponse(models=[_model(card, served=served) for card, served in self._embedder.models()])


def _kind(kind: int) -> TextKind:
    if kind not in KINDS:
        raise InvalidInput("say whether the texts are queries or passages", field="kind", reason="KIND_UNSPECIFIED")
    return KINDS[kind]


def _model(card: ModelCard, *, served: bool) -> pb.Model:
    return pb.Model(
        model_id=card.model_id,
        name=card.name,
        dimension=card.dimension,
        max_tokens=card.max_tokens,
        licence=card.licence,
        served=served,
        scripts=card.scripts,
    )
