"""Health on a port of its own, beside one that asks for certificates."""

import socket

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.core.errors import Misconfigured
from headwater_kit.rpc.health import LIVENESS
from headwater_kit.testing.scripted import ScriptedSettings, scripted


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def nothing(_: object) -> None:
    pass


async def test_it_answers_for_health_and_for_nothing_else() -> None:
    settings = ScriptedSettings(health_port=free_port())
    async with (
        scripted(nothing, settings),
        grpc.aio.insecure_channel(f"127.0.0.1:{settings.health_port}") as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", LIVENESS):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await IngestServiceStub(channel).GetDocument(pb.GetDocumentRequest())
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_it_ends_with_the_service() -> None:
    settings = ScriptedSettings(health_port=free_port())
    async with scripted(nothing, settings):
        pass
    async with grpc.aio.insecure_channel(f"127.0.0.1:{settings.health_port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as away:
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        assert away.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = ScriptedSettings(health_port=taken.getsockname()[1])
        with pytest.raises(Misconfigured, match="HEADWATER_HEALTH_PORT"):
            async with scripted(nothing, settings):
                pass
