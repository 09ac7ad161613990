"""Who may come in, and what anybody may ask."""

import asyncio
import time
from collections import Counter

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.core.errors import InvalidInput, Misconfigured, Overloaded, Unavailable
from headwater_kit.rpc import Server, connect
from headwater_kit.rpc.doorkeeper import Doorkeeper
from headwater_kit.rpc.reflection import ALPHA_NAME, NAME
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving

SETTINGS = ScriptedSettings()
REQUEST = pb.GetDocumentRequest()


async def nothing(_: object) -> None:
    pass


class Held:
    """A behaviour that waits to be let go."""

    def __init__(self) -> None:
        self.entered = asyncio.Semaphore(0)
        self.release = asyncio.Event()

    async def __call__(self, _: object) -> None:
        self.entered.release()
        await self.release.wait()


async def ask(
    port: int, service: str, request: reflection_pb2.ServerReflectionRequest
) -> reflection_pb2.ServerReflectionResponse:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream(
            f"/{service}/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        async for response in call(iter([request])):
            return response
    raise AssertionError("no response")


@pytest.mark.parametrize("service", [ALPHA_NAME, NAME])
async def test_reflection_lists_the_services(service: str) -> None:
    async with scripted(nothing, SETTINGS) as running:
        response = await ask(running.port, service, reflection_pb2.ServerReflectionRequest(list_services=""))
    names = {found.name for found in response.list_services_response.service}
    assert {"headwater.ingest.v1.IngestService", "grpc.health.v1.Health"} <= names


async def test_reflection_tells_what_a_call_takes() -> None:
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="headwater.ingest.v1.IngestService")
    async with scripted(nothing, SETTINGS) as running:
        response = await ask(running.port, NAME, request)
    files = [FileDescriptorProto.FromString(raw) for raw in response.file_descriptor_response.file_descriptor_proto]
    assert "headwater/ingest/v1/ingest.proto" in {file.name for file in files}


async def test_a_full_server_refuses_at_once_and_says_when_to_return() -> None:
    held = Held()
    full = ScriptedSettings(grpc_max_concurrent_calls=2)
    async with serving(scripted(held, full), full) as channel:
        stub = IngestServiceStub(channel)
        running = [asyncio.ensure_future(stub.GetDocument(REQUEST)) for _ in range(2)]
        for _ in running:
            await held.entered.acquire()
        with pytest.raises(Overloaded) as caught:
            await stub.GetDocument(REQUEST)
        assert caught.value.retry_after_ms > 0
        held.release.set()
        await asyncio.gather(*running)
        await stub.GetDocument(REQUEST)


async def test_calls_before_the_service_has_started_are_told_to_come_back() -> None:
    server = Server(SETTINGS, [], ManualClock(), Doorkeeper([]))
    with pytest.raises(Unavailable, match="starting"):
        async with server.admission.admitted(None):  # type: ignore[arg-type]
            pass


async def test_a_message_over_the_limit_is_the_callers_fault() -> None:
    small = ScriptedSettings(grpc_max_message_bytes=64 * 1024)
    big = pb.GetDocumentRequest(document_id="x" * 100_000)
    async with scripted(nothing, small) as service:
        channel = connect(f"127.0.0.1:{service.port}", SETTINGS)
        with pytest.raises(InvalidInput) as caught:
            await IngestServiceStub(channel).GetDocument(big)
        await channel.close()
    assert caught.value.reason == "TOO_LARGE"


async def test_a_taken_port_is_told_at_once() -> None:
    async with scripted(nothing, SETTINGS) as first:
        second = scripted(nothing, ScriptedSettings(grpc_port=first.port))
        with pytest.raises(Misconfigured, match=rf"cannot listen on 127\.0\.0\.1:{first.port}"):
            await second.start()
        await second.stop()


async def test_calls_come_in_several_a_turn_of_the_event_loop() -> None:
    calls, entered, turns = 64, list[int](), [0]
    loop = asyncio.get_running_loop()

    async def enter(_: object) -> None:
        entered.append(turns[0])

    def turn() -> None:
        # So long that whatever gRPC's own threads have to do is done before the next one.
        time.sleep(0.005)
        turns[0] += 1
        if len(entered) < calls:
            loop.call_soon(turn)

    async with serving(scripted(enter, SETTINGS), SETTINGS) as channel:
        stub = IngestServiceStub(channel)
        await stub.GetDocument(REQUEST)
        made = [asyncio.ensure_future(stub.GetDocument(REQUEST)) for _ in range(calls)]
        loop.call_soon(turn)
        await asyncio.gather(*made)
        # gRPC's own server takes one in at a time, turns apart; how many turns all take is up to the machine.
        assert max(Counter(entered).values()) > 1
