"""gRPC in: the twin of `events` over the same handlers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from headwater.events.v1 import events_pb2
from headwater.guard.v1 import guard_pb2
from headwater.guard.v1.guard_pb2_grpc import GuardServiceServicer
from headwater_kit.codec.answers import finding_to_proto
from headwater_kit.codec.documents import passage_from_proto
from headwater_kit.codec.enums import VERDICTS
from headwater_kit.core.events import Stage, Verdict
from headwater_kit.rpc import context
from headwater_kit.telemetry import counter, names
from headwater_kit.telemetry.spans import span
from opentelemetry.trace import Span

from headwater_guard.domain.findings import Decision
from headwater_guard.handlers import Guard


class GuardRpc(GuardServiceServicer):
    """Serves `headwater.guard.v1.GuardService`."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def CheckInput(self, request: guard_pb2.CheckInputRequest, _: Any) -> guard_pb2.CheckInputResponse:
        """Checks a question."""
        with _checking(Stage.INPUT) as told:
            decision = await self._guard.check_input(request.text, request.answer_id, context.principal())
            told((decision,))
        return guard_pb2.CheckInputResponse(
            verdict=VERDICTS.to_proto(decision.verdict), text=decision.text, findings=_findings(decision)
        )

    async def CheckPassages(self, request: guard_pb2.CheckPassagesRequest, _: Any) -> guard_pb2.CheckPassagesResponse:
        """Marks passages that give orders."""
        passages = tuple(map(passage_from_proto, request.passages))
        with _checking(Stage.PASSAGES) as told:
            decisions = await self._guard.check_passages(passages, request.answer_id, context.principal())
            told(decisions)
        return guard_pb2.CheckPassagesResponse(
            verdicts=[
                guard_pb2.PassageVerdict(verdict=VERDICTS.to_proto(each.verdict), findings=_findings(each))
                for each in decisions
            ]
        )

    async def CheckOutput(self, request: guard_pb2.CheckOutputRequest, _: Any) -> guard_pb2.CheckOutputResponse:
        """Checks an answer."""
        passages = tuple(map(passage_from_proto, request.passages))
        with _checking(Stage.OUTPUT) as told:
            decision = await self._guard.check_output(request.text, passages, request.answer_id, context.principal())
            told((decision,))
        return guard_pb2.CheckOutputResponse(
            verdict=VERDICTS.to_proto(decision.verdict), text=decision.text, findings=_findings(decision)
        )


def _findings(decision: Decision) -> list[events_pb2.Finding]:
    return [finding_to_proto(finding) for finding in decision.findings]


@contextmanager
def _checking(stage: Stage) -> Iterator[Callable[[Sequence[Decision]], None]]:
    """A span over a check, and what takes note of its decisions."""
    with span(names.CHECK, {names.GUARD_STAGE: stage.value}) as opened:
        yield partial(_note, stage, opened)


def _note(stage: Stage, opened: Span, decisions: Sequence[Decision]) -> None:
    opened.set_attribute(names.GUARD_VERDICT, _strictest(decisions))
    opened.set_attribute(names.COUNT, sum(len(decision.findings) for decision in decisions))
    for decision in decisions:
        labels = {names.GUARD_STAGE: stage.value, names.GUARD_VERDICT: decision.verdict.value}
        counter(names.GUARD_VERDICTS).add(1, labels)


def _strictest(decisions: Sequence[Decision]) -> str:
    """Of the verdicts, in the order in which they are declared."""
    order = list(Verdict)
    return max((decision.verdict for decision in decisions), key=order.index, default=Verdict.ALLOW).value
