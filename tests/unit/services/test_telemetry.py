"""A run seen by its spans: what came of each document is one graph, and all is as declared, without content.

In the run are documents by event, with and without a trace of their producer's,
by call, deleted and broken ones, searches and questions.
"""

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from headwater_kit.bus import attempts, sender
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.settings import ServiceSettings
from headwater_kit.testing.spans import holding, named, orphans, parts, traces, undeclared
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from unit.recording import recorded
from unit.services.traced import TracedPlatform

CLOCK = SystemClock()
DOCUMENTS = 1_000
# Stands in texts, titles, keys, questions and broken records.
CANARY = "quetzalcoatlus"
STAGES = ("documents.v1", "chunks.v1", "embeddings.v1", "indexed.v1")


def traceparent(trace_id: str) -> str:
    return f"00-{trace_id}-00f067aa0ba902b7-01"


class Run:
    """What was recorded, the traces that producers came with, and that of the answer as it tells itself."""

    def __init__(self, spans: Sequence[ReadableSpan], given: Sequence[str], asked: str) -> None:
        self.spans = spans
        self.asked = asked
        self.given = given

    @property
    def broken(self) -> list[str]:
        """Of the given traces those that are not what is to be: each stage in it, and all of it connected."""
        found = traces(self.spans)
        return [each for each in self.given if not self._is_whole(found.get(int(each, 16), ()))]

    @property
    def orphans(self) -> list[str]:
        return orphans(self.spans, [traceparent(each) for each in self.given])

    @staticmethod
    def _is_whole(spans: Sequence[ReadableSpan]) -> bool:
        counts = named(spans)
        return parts(spans) == 1 and all(counts.get(f"process {stage}") for stage in STAGES)


async def run(folder: Path, documents: int) -> Run:
    """So many documents, and a few of everything else."""
    platform, given = TracedPlatform(folder), [uuid.uuid4().hex for _ in range(documents)]
    async with AsyncExitStack() as stack:
        with recorded(ServiceSettings()) as spans:
            await platform.start(stack)
            async with platform.client() as client:
                written = await client.documents.upsert(f"{CANARY} by call", f"This {CANARY} came by call.")
                for number, trace_id in enumerate(given):
                    text = f"The {CANARY} number {number} had wings of {number} feet."
                    platform.produce(f"{CANARY}-{number}", text.encode(), traceparent(trace_id))
                platform.produce("untraced", f"A {CANARY} that nobody traces.".encode())
                platform.produce(f"{CANARY}-0", None)
                platform.produce("broken", b'{"text": "' + CANARY.encode())
                await platform.indexed(documents + 4)
                await seen_by_searches(spans, documents)
                await client.questions.search(f"{CANARY} call", min_positions=[written], wait_ms=5_000)
                answer = [piece async for piece in client.questions.ask(f"How did the {CANARY} come by call?")]
            assert isinstance(answer[-1], AnswerGenerated)
        return Run(spans.get_finished_spans(), given, answer[-1].trace_id)


async def seen_by_searches(spans: InMemorySpanExporter, documents: int) -> None:
    """Returns when retrieve has taken note of so many events; of each again where a partition was handed over."""
    async with asyncio.timeout(60):
        while named(spans.get_finished_spans()).get("process indexed.v1", 0) < documents:
            await CLOCK.sleep(0.05)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return asyncio.run(run(tmp_path_factory.mktemp("traced"), DOCUMENTS))


def test_each_of_a_thousand_documents_is_one_connected_graph(whole: Run) -> None:
    assert whole.broken == []


def test_no_span_is_an_orphan(whole: Run) -> None:
    assert whole.orphans == []


def test_every_span_is_as_declared(whole: Run) -> None:
    assert undeclared(whole.spans) == []


def test_no_span_holds_content(whole: Run) -> None:
    assert holding(whole.spans, [CANARY]) == []


def test_an_answer_is_one_trace_over_the_services(whole: Run) -> None:
    asked = traces(whole.spans)[int(whole.asked, 16)]
    assert "send answers.v1" in named(asked)
    assert parts(asked) == 1
    methods = {name.rpartition("/")[2] for name in named(asked)}
    assert {"Answer", "CheckInput", "Search", "CheckPassages", "CheckOutput", "Embed", "find", "fuse"} <= methods
    assert {"check input", "check passages", "check output", "send impressions.v1"} <= set(named(asked))


@pytest.mark.parametrize("place", ["attempts", "sender"])
async def test_a_place_that_does_not_carry_the_trace_on_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    module = {"attempts": attempts, "sender": sender}[place]
    monkeypatch.setattr(module.tracing, "inject", dict)
    found = await run(tmp_path, 3)
    assert found.broken


async def test_content_and_what_is_not_declared_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(attempts.tracing._PROCESS, "messaging.kafka.message.key", CANARY)
    found = await run(tmp_path, 3)
    assert holding(found.spans, [CANARY])
    assert "CONSUMER 'process chunks.v1' has messaging.kafka.message.key" in undeclared(found.spans)
