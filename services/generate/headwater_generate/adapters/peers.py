"""The ports of generate on the services beside it, by gRPC.

Tenant, user, deadline and trace of the call being served travel with each call
(`rpc.channel`), which also turns a status back into its error.
"""

import asyncio
from collections.abc import Sequence

import grpc.aio
from headwater.embed.v1 import embed_pb2
from headwater.embed.v1.embed_pb2_grpc import EmbedServiceStub
from headwater.guard.v1 import guard_pb2
from headwater.guard.v1.guard_pb2_grpc import GuardServiceStub
from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceStub
from headwater_kit.codec.answers import finding_from_proto
from headwater_kit.codec.documents import (
    freshness_to_proto,
    passage_from_proto,
    passage_to_proto,
    watermark_from_proto,
)
from headwater_kit.codec.enums import VERDICTS
from headwater_kit.codec.filters import filter_to_proto
from headwater_kit.codec.rewriting import variant_to_proto
from headwater_kit.core.documents import Freshness, Passage
from headwater_kit.core.filters import Filter

from headwater_generate.domain.extract import Encoded
from headwater_generate.domain.scale import QUESTIONS, SENTENCES, Scale, scale_of
from headwater_generate.ports import AS_ASKED, Checked, Retrieved, Wordings


class RpcRetriever:
    """`ports.Retriever` on the retrieve service, within so many seconds."""

    def __init__(self, channel: grpc.aio.Channel, timeout_seconds: float) -> None:
        self._stub = RetrieveServiceStub(channel)
        self._timeout_seconds = timeout_seconds

    async def search(
        self,
        question: str,
        top_k: int,
        filter: Filter | None,
        freshness: Freshness,
        answer_id: str,
        *,
        wordings: Wordings = AS_ASKED,
    ) -> Retrieved:
        """See `ports.Retriever`."""
        request = retrieve_pb2.SearchRequest(
            query=question,
            top_k=top_k,
            filter=filter_to_proto(filter) if filter else None,
            freshness=freshness_to_proto(freshness),
            impression_id=answer_id,
            for_answer=True,
            variants=map(variant_to_proto, wordings.variants),
            expand=wordings.expand,
        )
        # What the asker wants to wait for the index comes on top.
        response = await self._stub.Search(request, timeout=self._timeout_seconds + max(0, freshness.wait_ms) / 1_000)
        return Retrieved(
            tuple(map(passage_from_proto, response.passages)),
            watermark_from_proto(response.watermark),
            tuple(response.searched),
            tuple(response.left_out),
            response.rating_wanted,
        )


class RpcSentenceEncoder:
    """`ports.SentenceEncoder` on the embed service: the question ahead, the sentences beside it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = EmbedServiceStub(channel)
        # Of each model that answers were made by since the start: hardly ever more than two.
        self._scales: dict[str, Scale] = {}

    async def encode(self, question: str, sentences: Sequence[str]) -> Encoded:
        """See `ports.SentenceEncoder`."""
        model_id, asked, stored = await self._both([question], sentences)
        if model_id not in self._scales:
            _, *known = await self._both(QUESTIONS, SENTENCES, model_id)
            self._scales[model_id] = scale_of(*known)
        return Encoded(asked[0], stored, self._scales[model_id])

    async def _both(
        self, questions: Sequence[str], sentences: Sequence[str], model_id: str = ""
    ) -> tuple[str, Sequence[bytes], Sequence[bytes]]:
        """The model that was taken, and both lists' vectors by it."""
        asked, stored = await asyncio.gather(
            self._embed(questions, embed_pb2.TEXT_KIND_QUERY, model_id),
            self._embed(sentences, embed_pb2.TEXT_KIND_PASSAGE, model_id),
        )
        if asked.model_id != stored.model_id:
            # The default model changed between the two (I6).
            stored = await self._embed(sentences, embed_pb2.TEXT_KIND_PASSAGE, asked.model_id)
        return asked.model_id, asked.vectors, stored.vectors

    async def _embed(
        self, texts: Sequence[str], kind: "embed_pb2.TextKind.ValueType", model_id: str
    ) -> embed_pb2.EmbedResponse:
        return await self._stub.Embed(embed_pb2.EmbedRequest(texts=texts, kind=kind, model_id=model_id))


class RpcGuard:
    """`ports.Guard` on the guard service, each check within its own few seconds."""

    def __init__(self, channel: grpc.aio.Channel, timeout_seconds: float) -> None:
        self._stub = GuardServiceStub(channel)
        self._timeout_seconds = timeout_seconds

    async def check_input(self, text: str, answer_id: str) -> Checked:
        """See `ports.Guard`."""
        request = guard_pb2.CheckInputRequest(text=text, answer_id=answer_id)
        response = await self._stub.CheckInput(request, timeout=self._timeout_seconds)
        return _checked(response)

    async def check_passages(self, passages: Sequence[Passage], answer_id: str) -> Sequence[Checked]:
        """See `ports.Guard`."""
        request = guard_pb2.CheckPassagesRequest(passages=map(passage_to_proto, passages), answer_id=answer_id)
        response = await self._stub.CheckPassages(request, timeout=self._timeout_seconds)
        return [
            Checked(VERDICTS.from_proto(one.verdict, "verdict"), "", tuple(map(finding_from_proto, one.findings)))
            for one in response.verdicts
        ]

    async def check_output(self, text: str, passages: Sequence[Passage], answer_id: str) -> Checked:
        """See `ports.Guard`."""
        request = guard_pb2.CheckOutputRequest(text=text, passages=map(passage_to_proto, passages), answer_id=answer_id)
        response = await self._stub.CheckOutput(request, timeout=self._timeout_seconds)
        return _checked(response)


def _checked(response: guard_pb2.CheckInputResponse | guard_pb2.CheckOutputResponse) -> Checked:
    findings = tuple(map(finding_from_proto, response.findings))
    return Checked(VERDICTS.from_proto(response.verdict, "verdict"), response.text, findings)
