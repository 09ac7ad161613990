"""gRPC in: a thin twin of `events` over the same handlers."""

import math
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from headwater.events.v1 import events_pb2
from headwater.generate.v1 import generate_pb2
from headwater.generate.v1.generate_pb2_grpc import GenerateServiceServicer
from headwater_kit.codec.answers import answer_to_proto
from headwater_kit.codec.documents import freshness_from_proto
from headwater_kit.codec.filters import filter_from_proto
from headwater_kit.codec.rewriting import rewrite_from_proto, turns_from_proto
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.rpc import context
from headwater_kit.telemetry import trace_id

from headwater_generate.handlers import Answering, Question
from headwater_generate.ports import AnswerLog, Receipts


def new_id() -> str:
    """A fresh answer id."""
    return uuid.uuid4().hex


class GenerateRpc(GenerateServiceServicer):
    """Serves `headwater.generate.v1.GenerateService`."""

    def __init__(
        self,
        answering: Answering,
        log: AnswerLog,
        receipts: Receipts,
        *,
        clock: Clock,
        answer_seconds: float,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._answering = answering
        self._log = log
        self._receipts = receipts
        self._clock = clock
        self._answer_seconds = answer_seconds
        self._make_id = make_id

    async def Answer(self, request: generate_pb2.AnswerRequest, _: Any) -> AsyncIterator[generate_pb2.AnswerResponse]:
        """Streams an answer; it is on `answers.v1` before the last message goes out."""
        deadline = self._bounded(context.deadline())
        context.enter(context.CallContext(context.principal(), deadline))
        async for piece in self._answering.answer(self._question(request), deadline):
            if isinstance(piece, AnswerGenerated):
                answer = replace(piece, trace_id=trace_id())
                await self._log.publish(answer)
                yield generate_pb2.AnswerResponse(answer=answer_to_proto(answer))
            else:
                yield generate_pb2.AnswerResponse(text=piece)

    async def GetReceipt(self, request: generate_pb2.GetReceiptRequest, _: Any) -> generate_pb2.GetReceiptResponse:
        """Tells how an answer came about."""
        found = self._receipts.find(context.principal(), request.answer_id)
        answer: events_pb2.AnswerGenerated = answer_to_proto(found)
        return generate_pb2.GetReceiptResponse(answer=answer)

    def _bounded(self, deadline: Deadline) -> Deadline:
        """The caller's deadline, or one of ours where the stream came without: an answer ends some time."""
        own = Deadline.after(self._clock, self._answer_seconds)
        return own if math.isinf(deadline.remaining()) else deadline

    def _question(self, request: generate_pb2.AnswerRequest) -> Question:
        return Question(
            text=request.question,
            answer_id=self._make_id(),
            principal=context.principal(),
            top_k=request.top_k,
            filter=filter_from_proto(request.filter) if request.HasField("filter") else None,
            freshness=freshness_from_proto(request.freshness),
            rewrite=rewrite_from_proto(request.rewrite),
            history=turns_from_proto(request.history),
        )
