"""What a server bears of one connection, seen by bare HTTP/2 frames and by gRPC's own client."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.core.errors import Unavailable
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS_FRAME, PING, GOAWAY = 4, 6, 7
MAX_CONCURRENT_STREAMS = 3
ENHANCE_YOUR_CALM = 11
REQUEST = pb.GetDocumentRequest()
WATCH = pb.WatchDocumentRequest()
LIMIT_SECONDS = 5.0


async def nothing(_: object) -> None:
    pass


def frame(kind: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + bytes(4) + payload


class Bare:
    """A connection of frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, kind: int, payload: bytes, times: int) -> None:
        # In one piece: the server ends the connection at the third, and a write after that would be the end of reading.
        self._writer.write(times * frame(kind, payload))

    async def until(self, kind: int) -> bytes:
        """The payload of the next frame of that kind."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                head = await self._reader.readexactly(9)
                payload = await self._reader.readexactly(int.from_bytes(head[:3]))
                if head[3] == kind:
                    return payload


@asynccontextmanager
async def bare(port: int) -> AsyncIterator[Bare]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(PREFACE + frame(SETTINGS_FRAME))
    try:
        yield Bare(reader, writer)
    finally:
        writer.close()


def reason(goaway: bytes) -> tuple[int, bytes]:
    return int.from_bytes(goaway[4:8]), goaway[8:]


async def test_a_connection_carries_so_many_calls_and_says_so() -> None:
    async with scripted(nothing, ScriptedSettings(grpc_max_streams=7)) as service, bare(service.port) as connection:
        payload = await connection.until(SETTINGS_FRAME)
    said = dict(struct.iter_unpack(">HI", payload))
    assert said[MAX_CONCURRENT_STREAMS] == 7


async def test_more_calls_wait_for_those_before_them() -> None:
    entered, release = asyncio.Semaphore(0), asyncio.Event()

    async def held(_: object) -> None:
        entered.release()
        await release.wait()

    settings = ScriptedSettings(grpc_max_streams=1)
    async with serving(scripted(held, settings), settings) as channel:
        stub = IngestServiceStub(channel)
        first = asyncio.ensure_future(stub.GetDocument(REQUEST))
        await entered.acquire()
        second = asyncio.ensure_future(stub.GetDocument(REQUEST))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(entered.acquire(), 0.1)
        release.set()
        await asyncio.gather(first, second)


async def test_who_pings_too_often_is_told_to_be_calm() -> None:
    async with scripted(nothing, ScriptedSettings()) as service, bare(service.port) as connection:
        connection.send(PING, bytes(8), times=10)
        assert reason(await connection.until(GOAWAY)) == (ENHANCE_YOUR_CALM, b"too_many_pings")


@pytest.mark.parametrize("limit", ["grpc_max_connection_idle_seconds", "grpc_max_connection_age_seconds"])
async def test_connections_do_not_stay_for_ever(limit: str) -> None:
    settings = ScriptedSettings(**{limit: 1.0})
    async with scripted(nothing, settings) as service, bare(service.port) as connection:
        _, text = reason(await connection.until(GOAWAY))
    assert text == (b"connection idle" if "idle" in limit else b"max_age")


async def test_a_call_outlives_its_connections_age_by_the_grace_alone() -> None:
    settings = ScriptedSettings(grpc_max_connection_age_seconds=1.0, grpc_connection_grace_seconds=0.1)

    async def for_ever(_: object) -> None:
        await asyncio.Event().wait()

    async with serving(scripted(for_ever, settings), settings) as channel:
        async with asyncio.timeout(LIMIT_SECONDS):
            with pytest.raises(Unavailable):
                async for _ in IngestServiceStub(channel).WatchDocument(WATCH):
                    pass


async def test_a_call_within_the_grace_comes_to_its_end() -> None:
    settings = ScriptedSettings(grpc_max_connection_age_seconds=1.0, grpc_connection_grace_seconds=5.0)

    async def slow(_: object) -> None:
        await asyncio.sleep(1.25)

    async with serving(scripted(slow, settings), settings) as channel:
        found = [answer.version async for answer in IngestServiceStub(channel).WatchDocument(WATCH)]
    assert found == [1, 2]
