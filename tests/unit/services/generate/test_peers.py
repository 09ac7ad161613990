# ruff: noqa: N802 - gRPC's own names of methods
"""What other services are asked."""

from typing import Any

import grpc.aio
import pytest
from headwater.embed.v1 import embed_pb2 as pb
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceServicer, add_EmbedServiceServicer_to_server
from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceServicer, add_RetrieveServiceServicer_to_server
from headwater_generate.adapters.peers import RpcRetriever, RpcSentenceEncoder
from headwater_kit.core.documents import Freshness
from headwater_kit.rpc import connect
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


class PatientRetrieve(RetrieveServiceServicer):
    """Finds nothing, and notes how long its caller would wait."""

    waits_seconds = 0.0

    async def Search(self, _: retrieve_pb2.SearchRequest, context: Any) -> retrieve_pb2.SearchResponse:
        self.waits_seconds = context.time_remaining()
        return retrieve_pb2.SearchResponse()


async def test_a_search_may_take_as_long_as_the_asker_wants_to_wait_for_the_index() -> None:
    patient, settings = PatientRetrieve(), ScriptedSettings()
    servicer = Servicer(add_RetrieveServiceServicer_to_server, patient, "headwater.retrieve.v1.RetrieveService")
    async with Service(settings, "retrieve", [], [servicer]) as service:
        channel = connect(f"127.0.0.1:{service.port}", settings)
        await RpcRetriever(channel, 10.0).search("question", 1, None, Freshness(wait_ms=20_000), "answer")
        await channel.close()
    assert patient.waits_seconds == pytest.approx(30.0, abs=1.0)
