"""The embed service as the encoder."""

from collections.abc import Sequence

import grpc.aio
from headwater.embed.v1 import embed_pb2 as pb
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceStub
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import counter
from headwater_vectors.ports import Model

# In one call: half a minute of work for a slow core.
TEXTS_A_CALL = 16
# Bulk waits behind everything else; longer, and embed is taken for away, and asked again.
BULK_SECONDS = 120.0
LIVE_SECONDS = 30.0


class RemoteEncoder:
    """`ports.Encoder` over gRPC."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = EmbedServiceStub(channel)

    async def passages(self, texts: Sequence[str], model_id: str, *, is_bulk: bool) -> Sequence[bytes]:
        """See `ports.Encoder`."""
        vectors: list[bytes] = []
        for start in range(0, len(texts), TEXTS_A_CALL):
            some = texts[start : start + TEXTS_A_CALL]
            request = pb.EmbedRequest(texts=some, kind=pb.TEXT_KIND_PASSAGE, model_id=model_id, bulk=is_bulk)
            response = await self._stub.Embed(request, timeout=BULK_SECONDS if is_bulk else LIVE_SECONDS)
            counter(names.INDEX_TRANSLATED).add(len(some), {names.INDEX_BULK: is_bulk})
            vectors += response.vectors
        return vectors

    async def queries(self, texts: Sequence[str], model_id: str) -> Sequence[bytes]:
        """See `ports.Encoder`."""
        vectors: list[bytes] = []
        for start in range(0, len(texts), TEXTS_A_CALL):
            some = texts[start : start + TEXTS_A_CALL]
            request = pb.EmbedRequest(texts=some, kind=pb.TEXT_KIND_QUERY, model_id=model_id, bulk=True)
            vectors += (await self._stub.Embed(request, timeout=BULK_SECONDS)).vectors
        return vectors

    async def model(self, name: str) -> Model | None:
        """See `ports.Encoder`."""
        response = await self._stub.ListModels(pb.ListModelsRequest())
        named = [model for model in response.models if name in (model.model_id, model.name)]
        return Model(named[0].model_id, named[0].dimension) if named else None
