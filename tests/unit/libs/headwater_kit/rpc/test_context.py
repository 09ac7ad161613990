"""What a call is done under: deadline, principal, trace; as received and as passed on."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace

import grpc
import pytest
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import DeadlineExceeded, InvalidInput
from headwater_kit.core.roles import GRANTABLE
from headwater_kit.rpc import acting_as, connect, context
from headwater_kit.rpc.metadata import MAX_GROUPS
from headwater_kit.telemetry import trace_id
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

SETTINGS = ScriptedSettings(default_deadline_seconds=5.0)
REQUEST = pb.GetDocumentRequest()
CLOCK = SystemClock()


class Witness:
    """Keeps what a behaviour saw."""

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self.saw: list[object] = []

    async def __call__(self, _: object) -> None:
        self.saw.append(self._look())


async def relay(witness: Witness, act: Callable[[IngestServiceStub], Awaitable[object]]) -> None:
    """Calls a service whose behaviour calls a second one, where the witness looks."""
    async with serving(scripted(witness, SETTINGS), SETTINGS) as inner:

        async def pass_on(_: object) -> None:
            await IngestServiceStub(inner).GetDocument(REQUEST)

        async with serving(scripted(pass_on, SETTINGS), SETTINGS) as outer:
            await act(IngestServiceStub(outer))


def remaining() -> float:
    return context.deadline().remaining()


async def test_outside_a_call_nobody_is_assumed() -> None:
    with pytest.raises(LookupError):
        context.principal()
    with pytest.raises(LookupError):
        context.deadline()


async def test_a_call_without_a_deadline_gets_the_default() -> None:
    witness = Witness(remaining)
    async with serving(scripted(witness, SETTINGS), SETTINGS) as channel:
        await IngestServiceStub(channel).GetDocument(REQUEST)
    # gRPC rounds a deadline up on the wire, by tens of milliseconds.
    assert 4.0 < witness.saw[0] <= 5.1  # type: ignore[operator]


async def test_a_stream_without_a_deadline_has_none() -> None:
    witness = Witness(remaining)
    async with serving(scripted(witness, SETTINGS), SETTINGS) as channel:
        versions = [r.version async for r in IngestServiceStub(channel).WatchDocument(pb.WatchDocumentRequest())]
    assert (witness.saw, versions) == ([math.inf], [1, 2])


async def test_a_deadline_shrinks_from_hop_to_hop() -> None:
    witness = Witness(remaining)
    await relay(witness, lambda stub: stub.GetDocument(REQUEST, timeout=2.0))
    # gRPC rounds a deadline up on its way, so the margin of 50 ms is not all there.
    assert 1.0 < witness.saw[0] < 2.0  # type: ignore[operator]


async def test_the_hops_own_limit_holds_where_it_is_shorter() -> None:
    witness = Witness(remaining)
    await relay(witness, lambda stub: stub.GetDocument(REQUEST, timeout=60.0))
    # gRPC rounds a deadline up on the wire, by tens of milliseconds.
    assert 4.0 < witness.saw[0] <= 5.1  # type: ignore[operator]


async def test_a_call_with_no_time_left_is_not_made() -> None:
    witness = Witness(remaining)
    async with serving(scripted(witness, SETTINGS), SETTINGS) as channel:
        with acting_as(Principal(), Deadline.after(CLOCK, 0.01)), pytest.raises(DeadlineExceeded):
            await IngestServiceStub(channel).GetDocument(REQUEST)
    assert witness.saw == []


async def test_the_server_ends_what_outlasts_its_default() -> None:
    ended = asyncio.Event()

    async def behaviour(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    impatient = ScriptedSettings(default_deadline_seconds=0.1)
    async with scripted(behaviour, impatient) as service:
        # A client that is not ours, and sets no deadline.
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{service.port}")
        with pytest.raises(grpc.aio.AioRpcError, match=r"no answer within 0\.1 s") as caught:
            await IngestServiceStub(channel).GetDocument(REQUEST)
        await channel.close()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert ended.is_set()


async def test_the_clients_own_deadline_is_told_by_the_method() -> None:
    async def behaviour(_: object) -> None:
        await asyncio.Event().wait()

    async with serving(scripted(behaviour, SETTINGS), SETTINGS) as channel:
        with pytest.raises(DeadlineExceeded, match=r"IngestService/GetDocument|no answer within"):
            await IngestServiceStub(channel).GetDocument(REQUEST, timeout=0.1)


async def test_a_timeout_of_the_behaviours_own_is_its_defect() -> None:
    async def behaviour(_: object) -> None:
        raise TimeoutError

    async with serving(scripted(behaviour, SETTINGS), SETTINGS) as channel:
        with pytest.raises(Exception, match="internal error"):
            await IngestServiceStub(channel).GetDocument(REQUEST)


@pytest.mark.parametrize(
    "principal",
    [
        Principal("acme", "ann"),
        Principal("acme", "ann", ("board", "works council", "小组")),
        Principal("müller", " 小明 "),
        Principal(),
    ],
)
async def test_a_principal_is_passed_on(principal: Principal) -> None:
    witness = Witness(context.principal)
    with acting_as(principal, Deadline.after(CLOCK, 5.0)):
        await relay(witness, lambda stub: stub.GetDocument(REQUEST))
    assert witness.saw == [replace(principal, roles=GRANTABLE)]


async def test_a_caller_without_a_principal_is_the_default_one() -> None:
    witness = Witness(context.principal)
    await relay(witness, lambda stub: stub.GetDocument(REQUEST))
    assert witness.saw == [Principal(roles=GRANTABLE)]


async def test_metadata_names_the_principal() -> None:
    witness = Witness(context.principal)
    metadata = (("headwater-tenant", "acme"), ("headwater-user", "ann"))
    await relay(witness, lambda stub: stub.GetDocument(REQUEST, metadata=metadata))
    assert witness.saw == [Principal("acme", "ann", roles=GRANTABLE)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("headwater-tenant", "x" * 513),
        ("headwater-user-bin", b"\xff"),
        ("headwater-tenant-bin", b"a\x1fb"),
        ("headwater-group", ""),
    ],
)
async def test_a_bad_principal_is_refused(name: str, value: str | bytes) -> None:
    witness = Witness(context.principal)
    async with serving(scripted(witness, SETTINGS), SETTINGS) as channel:
        with pytest.raises(InvalidInput) as caught:
            await IngestServiceStub(channel).GetDocument(REQUEST, metadata=((name, value),))
    assert (caught.value.field, witness.saw) == (name.removesuffix("-bin"), [])


async def test_groups_are_bounded() -> None:
    witness = Witness(context.principal)
    metadata = tuple(("headwater-group", f"g{number}") for number in range(MAX_GROUPS + 1))
    async with serving(scripted(witness, SETTINGS), SETTINGS) as channel:
        await IngestServiceStub(channel).GetDocument(REQUEST, metadata=(*metadata[1:], metadata[1]))
        with pytest.raises(InvalidInput) as caught:
            await IngestServiceStub(channel).GetDocument(REQUEST, metadata=metadata)
    assert caught.value.field == "headwater-group"
    assert [len(principal.groups) for principal in witness.saw] == [MAX_GROUPS]  # type: ignore[attr-defined]


async def test_calls_side_by_side_keep_their_own_context() -> None:
    witness = Witness(context.principal)
    async with serving(scripted(witness, SETTINGS), SETTINGS) as channel:
        stub = IngestServiceStub(channel)
        tenants = [f"t{i}" for i in range(20)]
        await asyncio.gather(*(stub.GetDocument(REQUEST, metadata=(("headwater-tenant", t),)) for t in tenants))
    assert sorted(p.tenant for p in witness.saw) == sorted(tenants)  # type: ignore[attr-defined]


async def test_one_trace_runs_through_all_hops() -> None:
    witness = Witness(trace_id)
    with TracerProvider().get_tracer("test").start_as_current_span("caller") as span:
        await relay(witness, lambda stub: stub.GetDocument(REQUEST))
    assert witness.saw == [trace.format_trace_id(span.get_span_context().trace_id)]


async def test_a_foreign_clients_trace_is_taken_up() -> None:
    witness = Witness(trace_id)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with serving(scripted(witness, SETTINGS), SETTINGS) as channel:
        await IngestServiceStub(channel).GetDocument(REQUEST, metadata=(("traceparent", parent),))
    assert witness.saw == ["0af7651916cd43dd8448eb211c80319c"]


async def test_leaving_a_stream_early_ends_it_on_the_server() -> None:
    ended = asyncio.Event()

    async def behaviour(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(scripted(behaviour, SETTINGS), SETTINGS) as channel:
        call = IngestServiceStub(channel).WatchDocument(pb.WatchDocumentRequest())
        async for _ in call:
            break
        call.cancel()
        async with asyncio.timeout(2.0):
            await ended.wait()


async def test_a_channel_without_a_service_is_unavailable() -> None:
    channel = connect("127.0.0.1:1", SETTINGS)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:1"):
        await IngestServiceStub(channel).GetDocument(REQUEST, timeout=1.0)
    await channel.close()
