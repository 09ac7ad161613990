"""Each call leaves a note of who did what to whose data, and how it ended."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from headwater.index.v1 import index_pb2
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.bus.audit import AuditTrail, TrailPolicy, Verification
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.topics import AUDIT
from headwater_kit.core.audit import CallServed
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import DeadlineExceeded, HeadwaterError, NotFound, Overloaded
from headwater_kit.rpc import context
from headwater_kit.rpc.auditing import Auditing
from headwater_kit.rpc.interception import Call
from headwater_kit.rpc.metadata import principal_to_metadata
from headwater_kit.testing.scripted import Behaviour, ScriptedSettings, scripted
from headwater_kit.testing.service import serving

SETTINGS = ScriptedSettings()
ALICE = principal_to_metadata(Principal("acme", "alice"))
INGEST = "headwater.ingest.v1.IngestService"


class Audited:
    """A scripted service with a trail, and what that holds."""

    def __init__(self, policy: TrailPolicy) -> None:
        self.bus = MemoryBus()
        self.trail = AuditTrail(self.bus, "ingest", SystemClock(), policy)

    @asynccontextmanager
    async def serving(self, behaviour: Behaviour) -> AsyncIterator[IngestServiceStub]:
        service = scripted(behaviour, SETTINGS, trail=self.trail)
        async with serving(service, SETTINGS) as channel:
            yield IngestServiceStub(channel)

    def notes(self) -> Sequence[CallServed]:
        verification = Verification()
        links = [verification.take(record) for record in self.bus.broker.records(AUDIT.name)]
        assert verification.findings() == []
        return [link.entry for link in links if link and isinstance(link.entry, CallServed)]


@pytest.fixture(params=[True, False], ids=["acknowledged", "buffered"])
def audited(request: pytest.FixtureRequest) -> Audited:
    return Audited(TrailPolicy(is_awaited=request.param))


async def nothing(_: object) -> None:
    pass


async def fails(_: object) -> None:
    raise NotFound("no such document")


async def breaks(_: object) -> None:
    raise ValueError("a defect")


async def hangs(_: object) -> None:
    await asyncio.Event().wait()


async def test_a_call_is_noted_with_who_what_and_how(audited: Audited) -> None:
    async with audited.serving(nothing) as stub:
        await stub.GetDocument(pb.GetDocumentRequest(document_id="report"), metadata=ALICE)
    (note,) = audited.notes()
    assert (note.method, note.tenant, note.user_tenant, note.user) == (f"{INGEST}/GetDocument", "acme", "acme", "alice")
    assert (note.subject, note.code, note.reason) == ("report", "OK", "")


async def test_an_upload_is_noted_by_its_header(audited: Audited) -> None:
    pieces = [
        pb.UploadDocumentRequest(header=pb.UpsertDocumentRequest(document_id="big")),
        pb.UploadDocumentRequest(data=b"document_id"),
    ]
    async with audited.serving(nothing) as stub:
        await stub.UploadDocument(iter(pieces), metadata=ALICE)
    assert [(note.subject, note.code) for note in audited.notes()] == [("big", "OK")]


async def test_what_streams_is_noted_before_its_first_message_and_after_its_last(audited: Audited) -> None:
    async with audited.serving(nothing) as stub:
        async for _ in stub.WatchDocument(pb.WatchDocumentRequest(document_id="report"), metadata=ALICE):
            assert audited.notes() or not audited.trail._policy.is_awaited
    assert [(note.subject, note.code) for note in audited.notes()] == [("report", ""), ("report", "OK")]


@pytest.mark.parametrize(
    ("behaviour", "raised", "ended"),
    [
        (fails, NotFound, ("NOT_FOUND", "NOT_FOUND")),
        (breaks, HeadwaterError, ("INTERNAL", "")),
        (hangs, DeadlineExceeded, ("CANCELLED", "")),
    ],
)
async def test_a_call_that_fails_is_noted_with_its_end(
    audited: Audited, behaviour: Behaviour, raised: type[HeadwaterError], ended: tuple[str, str]
) -> None:
    async with audited.serving(behaviour) as stub:
        with pytest.raises(raised):
            await stub.GetDocument(pb.GetDocumentRequest(document_id="x"), metadata=ALICE, timeout=0.3)
    assert [(note.code, note.reason) for note in audited.notes()] == [ended]


async def test_no_answer_where_it_cannot_be_noted() -> None:
    audited = Audited(TrailPolicy(is_awaited=True, max_outstanding=2))
    entered = []

    async def enters(_: object) -> None:
        entered.append(True)

    async with audited.serving(enters) as stub:
        await stub.GetDocument(pb.GetDocumentRequest(), metadata=ALICE)
        audited.bus.away()
        first = asyncio.ensure_future(stub.GetDocument(pb.GetDocumentRequest(), metadata=ALICE))
        await asyncio.wait([first], timeout=0.3)
        assert not first.done()
        with pytest.raises(Overloaded) as caught:
            await stub.GetDocument(pb.GetDocumentRequest(), metadata=ALICE)
        assert (caught.value.reason, len(entered)) == ("AUDIT_FULL", 2)
        audited.bus.back()
        await first


async def test_what_an_operator_does_is_noted_under_the_tenant_that_it_is_done_to() -> None:
    audited = Audited(TrailPolicy())
    await audited.trail.start()
    auditing = Auditing(audited.trail)
    context.enter(context.CallContext(Principal("ops", "olga"), Deadline.after(SystemClock(), 5.0)))
    reconcile, rebuild = (f"headwater.index.v1.IndexService/{name}" for name in ("Reconcile", "Rebuild"))
    for method, request in (
        (reconcile, index_pb2.ReconcileRequest(tenant="acme")),
        (reconcile, index_pb2.ReconcileRequest()),
        (rebuild, index_pb2.RebuildRequest()),
        ("headwater.index.v1.IndexService/GetStats", index_pb2.GetStatsRequest()),
    ):
        async with auditing.audited(Call(method, None, streams_response=False, request=request)):
            pass
    await audited.trail.stop(Deadline.after(SystemClock(), 5.0))
    assert [(note.tenant, note.user_tenant, note.user) for note in audited.notes()] == [
        ("acme", "ops", "olga"),
        ("", "ops", "olga"),
        ("", "ops", "olga"),
    ]


async def test_an_id_that_is_none_takes_no_room_in_a_note(audited: Audited) -> None:
    async with audited.serving(nothing) as stub:
        await stub.GetDocument(pb.GetDocumentRequest(document_id="x" * 1_000_000), metadata=ALICE)
    assert [len(note.subject) for note in audited.notes()] == [512]
