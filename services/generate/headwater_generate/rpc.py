"""gRPC in: a thin twin of `events` over the same handlers."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

from headwater.events.v1 import events_pb2
from headwater.generate.v1 import generate_pb2
from headwater.generate.v1.generate_pb2_grpc import GenerateServiceServicer
from headwater_kit.codec.answers import answer_to_proto
from headwater_kit.codec.documents import position_from_proto
from headwater_kit.codec.filters import filter_from_proto
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.rpc import context

from headwater_generate.handlers import Answering, Question
from headwater_generate.ports import AnswerLog, Freshness, Receipts


def new_id() -> str:
    """A fresh answer id."""
    return uuid.uuid4().hex


class GenerateRpc(GenerateServiceServicer):
    """Serves `headwater.generate.v1.GenerateService`."""

    def __init__(
        self, answering: Answering, log: AnswerLog, receipts: Receipts, make_id: Callable[[], str] = new_id
    ) -> None:
        self._answering = answering
        self._log = log
        self._receipts = receipts
        self._make_id = make_id

    async def Answer(self, request: generate_pb2.AnswerRequest, _: Any) -> AsyncIterator[generate_pb2.AnswerResponse]:
        """Streams an answer; it is on `answers.v1` before the last message goes out."""
        async for piece in self._answering.answer(self._question(request)):
            if isinstance(piece, AnswerGenerated):
                await self._log.publish(piece)
                yield generate_pb2.AnswerResponse(answer=answer_to_proto(piece))
            else:
                yield generate_pb2.AnswerResponse(text=piece)

    async def GetReceipt(self, request: generate_pb2.GetReceiptRequest, _: Any) -> generate_pb2.GetReceiptResponse:
        """Tells how an answer came about."""
        found = self._receipts.find(context.principal().tenant, request.answer_id)
        answer: events_pb2.AnswerGenerated = answer_to_proto(found)
        return generate_pb2.GetReceiptResponse(answer=answer)

    def _question(self, request: generate_pb2.AnswerRequest) -> Question:
        positions = tuple(map(position_from_proto, request.freshness.min_positions))
        return Question(
            text=request.question,
            answer_id=self._make_id(),
            principal=context.principal(),
            top_k=request.top_k,
            filter=filter_from_proto(request.filter) if request.HasField("filter") else None,
            freshness=Freshness(positions, request.freshness.wait_ms),
        )
