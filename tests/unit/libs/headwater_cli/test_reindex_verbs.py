# ruff: noqa: N802 - gRPC's own names of methods
"""`headwater reindex`, from the command line to an index service that plays a part."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from headwater.events.v1 import reindexes_pb2 as events
from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceServicer, add_IndexServiceServicer_to_server
from headwater_cli.commands import reindex as verb
from headwater_kit.core.errors import HeadwaterError, NotFound, Permanent, Unavailable
from headwater_kit.core.reindexes import JudgedQuery
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Service
from headwater_kit.testing.scripted import ScriptedSettings
from unit.libs.headwater_cli.conftest import Printed, Verb

Headwater = Callable[..., Any]


class PlayedIndex(IndexServiceServicer):
    """Answers each call with the next of its plays: statuses, or an error."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.plays: list[list[Any]] = []

    async def Reindex(self, request: pb.ReindexRequest, _: Any) -> AsyncIterator[pb.ReindexResponse]:
        for status in self._play(request):
            if isinstance(status, HeadwaterError):
                raise status
            yield pb.ReindexResponse(status=status)

    async def GetReindex(self, request: pb.GetReindexRequest, _: Any) -> pb.GetReindexResponse:
        return pb.GetReindexResponse(status=self._last(request))

    async def JudgeReindex(self, request: pb.JudgeReindexRequest, _: Any) -> pb.JudgeReindexResponse:
        return pb.JudgeReindexResponse(status=self._last(request))

    async def PromoteReindex(self, request: pb.PromoteReindexRequest, _: Any) -> pb.PromoteReindexResponse:
        return pb.PromoteReindexResponse(status=self._last(request))

    async def RollbackReindex(self, request: pb.RollbackReindexRequest, _: Any) -> pb.RollbackReindexResponse:
        return pb.RollbackReindexResponse(status=self._last(request))

    async def CancelReindex(self, request: pb.CancelReindexRequest, _: Any) -> pb.CancelReindexResponse:
        return pb.CancelReindexResponse(status=self._last(request))

    def _play(self, request: Any) -> list[Any]:
        self.asked.append(request)
        return self.plays.pop(0)

    def _last(self, request: Any) -> Any:
        (status,) = self._play(request)
        if isinstance(status, HeadwaterError):
            raise status
        return status


def status(stage: "events.ReindexStage.ValueType", *, passed: bool | None = None, reason: str = "") -> pb.ReindexStatus:
    report = events.ReindexReported(
        reindex_id="r",
        stage=stage,
        incumbent=events.ReindexSide(collection="c", label="was1", model_id="old", dimension=8),
        challenger=events.ReindexSide(collection="c_n1", label="n1", model_id="new", dimension=8),
        done=3,
        total=7,
        reason=reason,
    )
    judged = None if passed is None else events.ReindexJudged(reindex_id="r", queries=30, passed=passed, reason="why")
    return pb.ReindexStatus(report=report, judgement=judged)


@pytest.fixture
def index() -> PlayedIndex:
    return PlayedIndex()


@pytest.fixture
async def headwater(index: PlayedIndex, command: Verb, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Headwater]:
    """Runs the command in a thread; returns its exit code, its output and its complaint."""

    async def call(*words: str) -> Printed:
        return await asyncio.to_thread(command, "reindex", *words)

    servicer = Servicer(add_IndexServiceServicer_to_server, index, "headwater.index.v1.IndexService")
    async with Service(ScriptedSettings(), "index", [], [servicer]) as service:
        for name in ("ingest", "index", "retrieve", "generate", "feedback"):
            monkeypatch.setenv(f"HEADWATER_{name.upper()}_TARGET", f"127.0.0.1:{service.port}")
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(verb, "RETRY_SECONDS", 0.0)
        yield call


async def test_it_is_followed_until_it_is_ready_and_then_judged(index: PlayedIndex, headwater: Headwater) -> None:
    embedding = status(events.REINDEX_STAGE_EMBEDDING)
    index.plays = [
        [embedding, Unavailable("the service was killed")],
        [embedding, status(events.REINDEX_STAGE_READY)],
        [status(events.REINDEX_STAGE_READY, passed=True)],
    ]
    code, out, _ = await headwater("--model", "next")
    assert (code, [one.model for one in index.asked[:2]]) == (0, ["next", "next"])
    assert out.splitlines() == ["ready: old to new", "  passed: why", f"  searches read c; next: {verb.PASSED}"]


async def test_one_that_fails_says_why_and_is_a_failure(index: PlayedIndex, headwater: Headwater) -> None:
    index.plays = [[status(events.REINDEX_STAGE_FAILED, reason="a rebuild is under way")]]
    code, out, _ = await headwater("--model", "next")
    assert (code, out.splitlines()[1]) == (1, "  a rebuild is under way")
    index.plays = [[NotFound("embed knows no model 'x'")]]
    code, _, complaint = await headwater("--model", "x")
    assert (code, "embed knows no model 'x'" in complaint) == (1, True)


UNJUDGED = f"ready: old to new\n  searches read c; next: {verb.NOT_PASSED}\n"


@pytest.mark.parametrize(
    ("arguments", "stage", "said"),
    [
        (("status",), events.REINDEX_STAGE_EMBEDDING, "embedding, 3 of 7 records: old to new\n"),
        (("promote",), events.REINDEX_STAGE_PROMOTED, "promoted: old to new\n  searches read c_n1\n"),
        (("rollback",), events.REINDEX_STAGE_READY, UNJUDGED),
        (("cancel",), events.REINDEX_STAGE_CANCELLED, "cancelled: old to new\n"),
        (("judge",), events.REINDEX_STAGE_READY, UNJUDGED),
    ],
)
async def test_each_verb_is_a_call(
    index: PlayedIndex,
    headwater: Headwater,
    arguments: tuple[str, ...],
    stage: "events.ReindexStage.ValueType",
    said: str,
) -> None:
    index.plays = [[status(stage)]]
    assert (await headwater(*arguments))[:2] == (0, said)


async def test_a_promotion_below_the_gate_has_to_be_asked_for(index: PlayedIndex, headwater: Headwater) -> None:
    index.plays = [[Permanent("the new collection did not pass: why", reason="BELOW_GATE")]]
    code, _, complaint = await headwater("promote")
    assert (code, "did not pass: why" in complaint) == (1, True)
    index.plays = [[status(events.REINDEX_STAGE_PROMOTED, passed=False)]]
    code, out, _ = await headwater("promote", "--below-gate", "--json")
    assert (code, json.loads(out)["judgement"]["passed"]) == (0, False)
    assert [one.below_gate for one in index.asked] == [False, True]


async def test_where_there_never_was_one_that_is_said(index: PlayedIndex, headwater: Headwater) -> None:
    index.plays = [[pb.ReindexStatus()]]
    assert (await headwater("status"))[1] == "the index was never changed to another model\n"


def test_queries_come_with_what_is_known_of_their_answers(tmp_path: Path) -> None:
    queries, qrels = tmp_path / "queries.jsonl", tmp_path / "test.tsv"
    queries.write_text('{"_id": "1", "text": "one"}\n{"_id": 2, "text": "two", "tenant": "t"}\n{"text": "three"}\n')
    qrels.write_text("query-id\tcorpus-id\tscore\n1\td1\t2\n2\td1\t0\n2\td2\t1\n")
    assert verb.read_queries(queries, None, "acme") == [
        JudgedQuery("acme", "one"), JudgedQuery("t", "two"), JudgedQuery("acme", "three")
    ]  # fmt: skip
    assert verb.read_queries(queries, qrels, "acme") == [
        JudgedQuery("acme", "one", {"d1": 2}), JudgedQuery("t", "two", {"d1": 0, "d2": 1})
    ]  # fmt: skip
    queries.write_text('{"text": "one", "relevant": {"d9": 1}}\nnonsense\n')
    with pytest.raises(HeadwaterError, match="line 2"):
        verb.read_queries(queries, None, "acme")
