"""Searching, asking, and saying what one thinks of the result, by gRPC."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from headwater.documents.v1 import documents_pb2
from headwater.feedback.v1 import feedback_pb2
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceStub
from headwater.generate.v1 import generate_pb2
from headwater.generate.v1.generate_pb2_grpc import GenerateServiceStub
from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceStub
from headwater_kit.codec.answers import answer_from_proto
from headwater_kit.codec.documents import passage_from_proto, position_to_proto, watermark_from_proto
from headwater_kit.codec.enums import REACTIONS
from headwater_kit.codec.filters import filter_to_proto
from headwater_kit.core.documents import Passage, Position
from headwater_kit.core.events import AnswerGenerated, Reaction
from headwater_kit.core.filters import Filter

from headwater_client.connection import Connection


@dataclass(frozen=True, slots=True)
class Found:
    """What a search returned; feedback refers to `impression_id`."""

    passages: tuple[Passage, ...]
    impression_id: str
    watermark: tuple[Position, ...]
    missing_legs: tuple[str, ...] = ()


class Questions:
    """The retrieve, generate and feedback services. Every call raises HeadwaterErrors."""

    def __init__(self, connection: Connection, retrieve: str, generate: str, feedback: str) -> None:
        self._connection = connection
        self._retrieve = RetrieveServiceStub(connection.channel(retrieve))
        self._generate = GenerateServiceStub(connection.channel(generate))
        self._feedback = FeedbackServiceStub(connection.channel(feedback))

    async def search(
        self,
        query: str,
        *,
        top_k: int = 0,
        filter: Filter | None = None,
        min_positions: Sequence[Position] = (),
        wait_ms: int = 0,
    ) -> Found:
        """The passages that answer best; `top_k` 0 means 10.

        With `min_positions`, waits up to `wait_ms` for them to be searchable and
        raises NotYet if they are not.
        """
        request = retrieve_pb2.SearchRequest(
            query=query,
            top_k=top_k,
            filter=filter_to_proto(filter) if filter else None,
            freshness=_freshness(min_positions, wait_ms),
        )
        response = await self._retrieve.Search(
            request, timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return Found(
            tuple(map(passage_from_proto, response.passages)),
            response.impression_id,
            watermark_from_proto(response.watermark),
            tuple(response.missing_legs),
        )

    async def watermark(self) -> tuple[Position, ...]:
        """How far searches see: the highest applied position of each partition."""
        response = await self._retrieve.GetWatermark(
            retrieve_pb2.GetWatermarkRequest(), timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return watermark_from_proto(response.watermark)

    async def ask(
        self,
        question: str,
        *,
        top_k: int = 0,
        filter: Filter | None = None,
        min_positions: Sequence[Position] = (),
        wait_ms: int = 0,
    ) -> AsyncGenerator[str | AnswerGenerated, None]:
        """Yields the answer's text as it is written and the whole answer, which counts, at the end."""
        request = generate_pb2.AnswerRequest(
            question=question,
            top_k=top_k,
            filter=filter_to_proto(filter) if filter else None,
            freshness=_freshness(min_positions, wait_ms),
        )
        call = self._generate.Answer(request, metadata=self._connection.metadata)
        try:
            async for response in call:
                if response.WhichOneof("piece") == "answer":
                    yield answer_from_proto(response.answer)
                else:
                    yield response.text
        finally:
            call.cancel()  # where the caller left early; gRPC goes on by itself

    async def receipt(self, answer_id: str) -> AnswerGenerated:
        """How an answer came about. Raises NotFound."""
        response = await self._generate.GetReceipt(
            generate_pb2.GetReceiptRequest(answer_id=answer_id),
            timeout=self._connection.seconds,
            metadata=self._connection.metadata,
        )
        return answer_from_proto(response.answer)

    async def react(self, impression_id: str, reaction: Reaction, *, rank: int = 0, feedback_id: str = "") -> str:
        """Records a reaction to an answer or a search; returns its id. `rank` 0 means the answer as a whole."""
        request = feedback_pb2.RecordFeedbackRequest(
            impression_id=impression_id, reaction=REACTIONS.to_proto(reaction), rank=rank, feedback_id=feedback_id
        )
        response = await self._feedback.RecordFeedback(
            request, timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return response.feedback_id


def _freshness(min_positions: Sequence[Position], wait_ms: int) -> documents_pb2.Freshness:
    return documents_pb2.Freshness(min_positions=map(position_to_proto, min_positions), wait_ms=wait_ms)
