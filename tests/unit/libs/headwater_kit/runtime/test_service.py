"""A service's life, on a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import HeadwaterError, Misconfigured, Unavailable
from headwater_kit.rpc import connect
from headwater_kit.runtime import Service
from headwater_kit.runtime.service import CHECK_SECONDS
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.scripted import NAME, ScriptedSettings, scripted

SETTINGS = ScriptedSettings()
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Part:
    """A component that writes down what is done to it, and fails when told to."""

    def __init__(self, name: str, diary: list[str], *, start_faults: tuple[Exception, ...] = ()) -> None:
        self.name = name
        self.fault: Exception | None = None
        self.stop_fault: Exception | None = None
        self._diary = diary
        self._start_faults = list(start_faults)

    async def start(self) -> None:
        self._diary.append(f"start {self.name}")
        if self._start_faults:
            raise self._start_faults.pop(0)

    async def check(self) -> None:
        if self.fault is not None:
            raise self.fault

    async def stop(self, deadline: Deadline) -> None:
        self._diary.append(f"stop {self.name}")
        if self.stop_fault is not None:
            raise self.stop_fault


class BackgroundPart(Part):
    """One with a task of its own."""

    def __init__(self, name: str, diary: list[str]) -> None:
        super().__init__(name, diary)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        await asyncio.shield(self.ended)


async def nothing(_: object) -> None:
    pass


async def health(service: Service) -> list[int]:
    """The health of the whole server and of its service."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        requests = [health_pb2.HealthCheckRequest(service=name) for name in ("", NAME)]
        return [(await stub.Check(request)).status for request in requests]


@asynccontextmanager
async def starting(service: Service) -> AsyncIterator["asyncio.Task[None]"]:
    """The service with its start begun, stopped at the end."""
    task = asyncio.ensure_future(service.start())
    while service.port == 0:
        await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await service.stop()


async def test_parts_start_in_order_and_stop_in_reverse() -> None:
    diary: list[str] = []
    async with scripted(nothing, SETTINGS, [Part("a", diary), Part("b", diary)]):
        pass
    assert diary == ["start a", "start b", "stop b", "stop a"]


async def test_health_follows_the_parts() -> None:
    clock, part = ManualClock(), Part("broker", [])
    async with scripted(nothing, SETTINGS, [part], clock) as service:
        assert await health(service) == [SERVING, SERVING]
        part.fault = Unavailable("gone")
        await clock.advance(CHECK_SECONDS)
        assert await health(service) == [NOT_SERVING, NOT_SERVING]
        part.fault = None
        await clock.advance(CHECK_SECONDS)
        assert await health(service) == [SERVING, SERVING]


async def test_a_check_with_a_defect_is_a_failed_one() -> None:
    part = Part("broker", [])
    part.fault = ValueError("oops")
    async with scripted(nothing, SETTINGS, [part], ManualClock()) as service:
        assert not service.is_serving


async def test_while_a_part_is_away_the_server_answers_not_serving_and_refuses_calls() -> None:
    clock, diary = ManualClock(), list[str]()
    part = Part("broker", diary, start_faults=(Unavailable("away"), Unavailable("away")))
    service = scripted(nothing, SETTINGS, [part], clock)
    async with starting(service) as start:
        assert await health(service) == [NOT_SERVING, NOT_SERVING]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{service.port}") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await IngestServiceStub(channel).GetDocument(pb.GetDocumentRequest())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        await clock.advance(10.0)
        await start
        assert await health(service) == [SERVING, SERVING]
    assert diary == ["start broker"] * 3 + ["stop broker"]


async def test_a_permanent_fault_ends_the_start_and_what_was_started_is_stopped() -> None:
    diary: list[str] = []
    parts = [Part("a", diary), Part("b", diary, start_faults=(Misconfigured("no"),)), Part("c", diary)]
    with pytest.raises(Misconfigured):
        async with scripted(nothing, SETTINGS, parts):
            pass
    assert diary == ["start a", "start b", "stop b", "stop a"]


@pytest.mark.parametrize("error", [None, ValueError("oops")])
async def test_a_background_that_ends_takes_the_service_down(error: Exception | None) -> None:
    loop = BackgroundPart("loop", [])
    async with scripted(nothing, SETTINGS, [loop]) as service:
        wait = asyncio.ensure_future(service.wait())
        await asyncio.sleep(0)
        assert not wait.done()
        if error is None:
            loop.ended.set_result(None)
        else:
            loop.ended.set_exception(error)
        with pytest.raises(ValueError if error else RuntimeError, match="oops" if error else "loop ended by itself"):
            await wait


async def test_a_background_that_is_cancelled_takes_the_service_down() -> None:
    loop = BackgroundPart("loop", [])
    async with scripted(nothing, SETTINGS, [loop]) as service:
        loop.ended.cancel()
        with pytest.raises(RuntimeError, match="loop was cancelled"):
            await asyncio.wait_for(service.wait(), 5.0)


async def test_health_that_cannot_be_followed_takes_the_service_down() -> None:
    clock = ManualClock()

    async def fails(*, is_serving: bool) -> None:
        raise ValueError("oops")

    async with scripted(nothing, SETTINGS, [], clock) as service:
        service._server.health.set = fails  # type: ignore[method-assign]
        await clock.advance(CHECK_SECONDS)
        with pytest.raises(ValueError, match="oops"):
            await asyncio.wait_for(service.wait(), 5.0)
        del service._server.health.set


async def test_a_background_that_is_told_to_stop_is_no_failure() -> None:
    loop = BackgroundPart("loop", [])
    async with scripted(nothing, SETTINGS, [loop]) as service:
        assert await service.stop()
        loop.ended.set_result(None)
        wait = asyncio.ensure_future(service.wait())
        await asyncio.sleep(0)
        assert not wait.done()
        wait.cancel()


async def test_a_drain_lets_a_call_in_flight_finish_before_the_parts_stop() -> None:
    diary: list[str] = []
    entered, release = asyncio.Event(), asyncio.Event()

    async def behaviour(_: object) -> None:
        entered.set()
        await release.wait()
        diary.append("answered")

    service = scripted(behaviour, SETTINGS, [Part("a", diary)])
    await service.start()
    channel = connect(f"127.0.0.1:{service.port}", SETTINGS)
    stub = IngestServiceStub(channel)
    call = asyncio.ensure_future(stub.GetDocument(pb.GetDocumentRequest(document_id="d")))
    await entered.wait()
    stop = asyncio.ensure_future(service.stop())
    while service.is_serving:
        await asyncio.sleep(0)
    release.set()
    assert (await call).document_id == "d"
    assert await stop
    assert diary == ["start a", "answered", "stop a"]
    await channel.close()


async def test_a_drain_cancels_what_does_not_finish_in_its_share() -> None:
    entered = asyncio.Event()

    async def behaviour(_: object) -> None:
        entered.set()
        await asyncio.Event().wait()

    short = ScriptedSettings(drain_seconds=0.2)
    diary: list[str] = []
    service = scripted(behaviour, short, [Part("a", diary)])
    await service.start()
    channel = connect(f"127.0.0.1:{service.port}", short)
    call = asyncio.ensure_future(IngestServiceStub(channel).GetDocument(pb.GetDocumentRequest()))
    await entered.wait()
    async with asyncio.timeout(1.5):
        assert await service.stop()
    with pytest.raises(HeadwaterError):
        await call
    assert diary == ["start a", "stop a"]
    await channel.close()


async def test_a_drain_ends_watches_without_waiting() -> None:
    async def behaviour(_: object) -> None:
        await asyncio.Event().wait()

    long = ScriptedSettings(drain_seconds=30.0)
    service = scripted(behaviour, long)
    await service.start()
    channel = connect(f"127.0.0.1:{service.port}", long)
    responses = aiter(IngestServiceStub(channel).WatchDocument(pb.WatchDocumentRequest()))
    await anext(responses)
    async with asyncio.timeout(5.0):
        await service.stop()
        with pytest.raises(Unavailable) as caught:
            await anext(responses)
    assert caught.value.reason == "STOPPING"
    await channel.close()


async def test_a_part_that_stops_badly_is_told_and_the_others_stop_all_the_same() -> None:
    diary: list[str] = []
    parts = [Part("a", diary), Part("b", diary)]
    parts[1].stop_fault = ValueError("oops")
    service = scripted(nothing, SETTINGS, parts)
    await service.start()
    assert not await service.stop()
    assert diary[-2:] == ["stop b", "stop a"]
