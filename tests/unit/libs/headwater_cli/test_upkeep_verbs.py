# ruff: noqa: N802 - gRPC's own names of methods
"""`headwater reconcile` and `headwater rebuild`, from the command line to an index service that plays a part."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from headwater.index.v1 import index_pb2 as pb
from headwater.index.v1.index_pb2_grpc import IndexServiceServicer, add_IndexServiceServicer_to_server
from headwater_cli.commands import rebuild as verb
from headwater_client import RebuildProgress, RebuildStage
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_kit.rpc import principal
from headwater_kit.rpc.servicer import Servicer
from headwater_kit.runtime import Service
from headwater_kit.testing.scripted import ScriptedSettings
from rich.console import Console
from unit.libs.headwater_cli.conftest import Printed, Verb

Headwater = Callable[..., Any]


class PlayedIndex(IndexServiceServicer):
    """Answers each call with the next of its plays, an error at its end where there is one."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.plays: list[list[Any]] = []

    async def Reconcile(self, request: pb.ReconcileRequest, _: Any) -> AsyncIterator[pb.ReconcileResponse]:
        async for message in self._play(request):
            yield message

    async def Rebuild(self, request: pb.RebuildRequest, _: Any) -> AsyncIterator[pb.RebuildResponse]:
        async for message in self._play(request):
            yield message

    async def _play(self, request: Any) -> AsyncIterator[Any]:
        self.asked.append((principal().tenant, request))
        for message in self.plays.pop(0):
            if isinstance(message, HeadwaterError):
                raise message
            yield message


@pytest.fixture
def index() -> PlayedIndex:
    return PlayedIndex()


@pytest.fixture
async def headwater(index: PlayedIndex, command: Verb, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Headwater]:
    """Runs the command in a thread; returns its exit code, its output and its complaint."""

    async def call(*words: str) -> Printed:
        return await asyncio.to_thread(command, *words)

    servicer = Servicer(add_IndexServiceServicer_to_server, index, "headwater.index.v1.IndexService")
    async with Service(ScriptedSettings(), "index", [], [servicer]) as service:
        for name in ("ingest", "index", "retrieve", "generate", "feedback"):
            monkeypatch.setenv(f"HEADWATER_{name.upper()}_TARGET", f"127.0.0.1:{service.port}")
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(verb, "RETRY_SECONDS", 0.0)
        yield call


def drift(**counts: Any) -> pb.ReconcileResponse:
    return pb.ReconcileResponse(drift=pb.TenantDrift(tenant="acme", documents=1200, **counts))


def rebuilding(stage: str, **values: Any) -> pb.RebuildResponse:
    return pb.RebuildResponse(stage=pb.RebuildStage.Value(f"REBUILD_STAGE_{stage}"), **values)


async def test_a_clean_index_is_told_as_such(headwater: Headwater, index: PlayedIndex) -> None:
    progress = pb.ReconcileProgress(stage=pb.RECONCILE_STAGE_READING_LOG, done=5, total=9)
    index.plays = [[pb.ReconcileResponse(progress=progress), drift()]]
    code, out, _ = await headwater("reconcile")
    assert code == 0
    assert "the index is what the log says" in out
    assert "documents, deleted ones included" in out
    assert index.asked == [("default", pb.ReconcileRequest())]


async def test_drift_is_shown_with_examples_and_fails(headwater: Headwater, index: PlayedIndex) -> None:
    example = pb.DocumentDrift(
        document_id="a/[b].md",
        kind=pb.DRIFT_KIND_MIXED,
        accepted_version=7,
        served_version=6,
        missing_rows=3,
        extra_rows=2,
    )
    index.plays = [[drift(missing=1, mixed=2, put_aside=4, examples=[example])]] * 2
    code, out, _ = await headwater("reconcile", "--tenant", "acme")
    assert code == 1
    assert "acme a/[b].md  3 missing rows, 2 extra rows · accepted 7, served 6" in out
    assert "3 documents differ: `headwater reconcile --repair` mends them" in out
    assert "4 of acme were put aside" in out
    assert index.asked == [("acme", pb.ReconcileRequest(tenant="acme"))]


async def test_one_is_not_told_as_several(headwater: Headwater, index: PlayedIndex) -> None:
    example = pb.DocumentDrift(document_id="a", kind=pb.DRIFT_KIND_MISSING, accepted_version=7, missing_rows=1)
    index.plays = [[drift(missing=1, put_aside=1, examples=[example])]] * 2
    _, out, _ = await headwater("reconcile")
    assert "1 missing row ·" in out
    assert "1 of acme was put aside on its way" in out
    assert "1 document differs: `headwater reconcile --repair` mends it" in out
    _, out, _ = await headwater("reconcile", "--repair")
    assert "1 document could not be repaired" in out


async def test_repairs_are_asked_for_and_told_in_json(headwater: Headwater, index: PlayedIndex) -> None:
    index.plays = [[drift(missing=2, repaired=2)]]
    code, out, _ = await headwater("reconcile", "--repair", "--json")
    told = json.loads(out)
    assert (code, told["drift"], told["tenants"][0]["repaired"]) == (0, 0, 2)
    assert index.asked[0][1].repair


async def test_a_rebuild_is_watched_to_its_end(headwater: Headwater, index: PlayedIndex) -> None:
    steps = [rebuilding(stage, collection="x_n1", done=8, total=8) for stage in ("REPLAYING", "CHECKING", "DONE")]
    index.plays = [steps]
    code, out, _ = await headwater("rebuild", "--json")
    told = json.loads(out)
    assert (code, told["stage"], told["collection"], told["done"]) == (0, "done", "x_n1", 8)


def test_a_rebuild_that_counts_nothing_says_what_it_does_and_its_clock_goes_on() -> None:
    out = io.StringIO()
    now = iter(range(0, 1000, 5))
    bar = verb.progress_bar(Console(file=out, force_terminal=True, width=80))
    bar.get_time = lambda: float(next(now))
    line = verb.ProgressLine(bar)
    line.show(RebuildProgress(RebuildStage.REPLAYING, "x_n1", 8, 8, None, 0, ""))
    shown = []
    for _ in range(2):
        line.show(RebuildProgress(RebuildStage.SETTLING, "x_n1", 8, 8, None, 0, ""))
        bar.console.print(bar.get_renderable())
        shown.append(out.getvalue())
        out.truncate(0)
    assert all("keeping the old one for a moment" in one and "replaying" not in one for one in shown)
    assert shown[0] != shown[1]


async def test_a_rebuild_is_joined_again_after_a_crash(headwater: Headwater, index: PlayedIndex) -> None:
    step = rebuilding("REPLAYING", collection="x_n1")
    index.plays = [
        [step, Unavailable("killed")],
        [Unavailable("starting")],
        [rebuilding("UNSPECIFIED", collection="x")],
        [step, Unavailable("killed again")],
        [rebuilding("UNSPECIFIED", collection="x_n1")],
    ]
    code, out, _ = await headwater("rebuild")
    assert code == 0
    assert "searches read x_n1" in out
    assert [request.join_only for _, request in index.asked] == [False, True, True, True, True]


async def test_a_rebuild_that_was_given_up_says_why(headwater: Headwater, index: PlayedIndex) -> None:
    index.plays = [[rebuilding("FAILED", reason="the log does not hold 2 documents")]]
    code, _, err = await headwater("rebuild")
    assert code == 1
    assert "the index was not made anew: the log does not hold 2 documents" in err
