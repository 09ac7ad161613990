# ruff: noqa: N802 - gRPC's own names of methods
"""What other services are asked."""

from typing import Any

import grpc.aio
from headwater.embed.v1 import embed_pb2 as pb
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceServicer, add_EmbedServiceServicer_to_server
from headwater_generate.adapters.peers import RpcSentenceEncoder
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Service
from headwater_kit.testing.scripted import ScriptedSettings


class ChangingEmbed(EmbedServiceServicer):
    """Its default model is another one for passages than for queries, as while it changes."""

    async def Embed(self, request: pb.EmbedRequest, _: Any) -> pb.EmbedResponse:
        model = request.model_id or ("old" if request.kind == pb.TEXT_KIND_QUERY else "new")
        return pb.EmbedResponse(vectors=[f"{model} {text}".encode() for text in request.texts], model_id=model)


async def test_a_question_and_its_sentences_are_embedded_by_one_model() -> None:
    servicer = Servicer(add_EmbedServiceServicer_to_server, ChangingEmbed(), "headwater.embed.v1.EmbedService")
    async with (
        Service(ScriptedSettings(), "embed", [], [servicer]) as service,
        grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as channel,
    ):
        asked, stored = await RpcSentenceEncoder(channel).encode("question", ["one", "two"])
    assert (asked, list(stored)) == (b"old question", [b"old one", b"old two"])
