# ruff: noqa: N802 - gRPC's own names of methods
"""What other services are asked."""

from array import array
from typing import Any

import grpc.aio
import pytest
from headwater.embed.v1 import embed_pb2 as pb
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceServicer, add_EmbedServiceServicer_to_server
from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceServicer, add_RetrieveServiceServicer_to_server
from headwater_generate.adapters.peers import RpcRetriever, RpcSentenceEncoder
from headwater_generate.domain.scale import QUESTIONS, SENTENCES
from headwater_kit.core.documents import Freshness
from headwater_kit.rpc import connect
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Service
from headwater_kit.testing.scripted import ScriptedSettings


class ChangingEmbed(EmbedServiceServicer):
    """Its default model is another one for passages than for queries, as while it changes.

    By the old one all vectors are one, by the new one questions are at right angles to sentences.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def Embed(self, request: pb.EmbedRequest, _: Any) -> pb.EmbedResponse:
        self.texts += request.texts
        is_query = request.kind == pb.TEXT_KIND_QUERY
        model = request.model_id or ("old" if is_query else "new")
        vector = (1.0, 0.0) if model == "new" and is_query else (0.6, 0.8)
        return pb.EmbedResponse(vectors=[array("f", vector).tobytes() for _ in request.texts], model_id=model)


async def test_a_question_and_its_sentences_are_embedded_by_one_model_whose_scale_is_asked_for_once() -> None:
    embed = ChangingEmbed()
    servicer = Servicer(add_EmbedServiceServicer_to_server, embed, "headwater.embed.v1.EmbedService")
    async with (
        Service(ScriptedSettings(), "embed", [], [servicer]) as service,
        grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as channel,
    ):
        encoder = RpcSentenceEncoder(channel)
        encoded = await encoder.encode("question", ["one", "two"])
        asked = len(embed.texts)
        await encoder.encode("question", ["one", "two"])
    old = array("f", (0.6, 0.8)).tobytes()
    assert (encoded.question, list(encoded.sentences)) == (old, [old, old])
    assert encoded.scale.unrelated == pytest.approx(1.0)
    # Question and sentences, the sentences once more by the question's model, and what tells the scale.
    assert (asked, len(embed.texts)) == (5 + len(QUESTIONS) + len(SENTENCES), asked + 5)


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
