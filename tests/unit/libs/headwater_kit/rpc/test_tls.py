"""Who is let in by TLS, and what happens when the files are replaced or have expired."""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.core.errors import Misconfigured, Unavailable
from headwater_kit.rpc import connect
from headwater_kit.runtime.service import CHECK_SECONDS
from headwater_kit.testing.certificates import Authority, replace
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.scripted import ScriptedSettings, scripted

SETTINGS = ScriptedSettings()
REQUEST = pb.GetDocumentRequest()
CALL_SECONDS = 5.0


async def nothing(_: object) -> None:
    pass


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def secure(tmp_path: Path, authority: Authority) -> ScriptedSettings:
    """TLS both ways, by files of the test's own."""
    cert, key = authority.issue("ingest").write(tmp_path, "ingest")
    ca = tmp_path / "ca.pem"
    replace(ca, authority.pem)
    return ScriptedSettings(tls_cert=cert, tls_key=key, tls_client_ca=ca, tls_peer_ca=ca)


@asynccontextmanager
async def channel_to(port: int, settings: ScriptedSettings) -> AsyncIterator[grpc.aio.Channel]:
    channel = connect(f"127.0.0.1:{port}", settings)
    try:
        yield channel
    finally:
        await channel.close()


async def call(port: int, settings: ScriptedSettings) -> None:
    async with channel_to(port, settings) as channel:
        await IngestServiceStub(channel).GetDocument(REQUEST, timeout=CALL_SECONDS)


def shown_serial(port: int) -> int:
    """Of the certificate that a new connection is greeted with."""
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=CALL_SECONDS)
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


async def test_tls_both_ways(secure: ScriptedSettings) -> None:
    async with scripted(nothing, secure) as service:
        await call(service.port, secure)


@pytest.mark.parametrize("with_authority", [True, False])
async def test_tls_lets_nobody_in_without_a_certificate(secure: ScriptedSettings, with_authority: bool) -> None:
    stranger = ScriptedSettings(tls_peer_ca=secure.tls_peer_ca) if with_authority else SETTINGS
    async with scripted(nothing, secure) as service:
        with pytest.raises(Unavailable):
            await call(service.port, stranger)


async def test_a_missing_tls_file_is_named() -> None:
    missing = ScriptedSettings(tls_cert=Path("/nowhere/cert.pem"), tls_key=Path("/nowhere/key.pem"))
    with pytest.raises(Misconfigured, match=r"cannot read /nowhere/cert\.pem"):
        scripted(nothing, missing)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"ingest.pem": b"x"}, r"ingest\.pem holds no certificate"),
        ({"ingest.key": b"x"}, r"ingest\.key holds no private key"),
        ({"ingest.key": Authority().issue("other").key}, r"ingest\.key is not the key of .*ingest\.pem"),
    ],
)
def test_a_file_that_is_none_is_named(
    tmp_path: Path, secure: ScriptedSettings, files: dict[str, bytes], says: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Misconfigured, match=says):
        scripted(nothing, secure)


async def test_new_connections_see_the_new_certificate_and_calls_in_flight_finish(
    tmp_path: Path, secure: ScriptedSettings, authority: Authority
) -> None:
    release = asyncio.Event()

    async def held(_: object) -> None:
        await release.wait()

    without_client = secure.model_copy(update={"tls_client_ca": None})
    async with scripted(held, without_client) as service, channel_to(service.port, secure) as channel:
        watch = IngestServiceStub(channel).WatchDocument(pb.WatchDocumentRequest())
        stream = aiter(watch)
        assert (await anext(stream)).version == 1
        fresh = authority.issue("ingest")
        fresh.write(tmp_path, "ingest")
        assert await asyncio.to_thread(shown_serial, service.port) == fresh.serial
        # The files are a client's too: the next call is by a channel of the new certificate.
        later = IngestServiceStub(channel).GetDocument(REQUEST, timeout=CALL_SECONDS)
        await asyncio.sleep(0)
        release.set()
        assert (await anext(stream)).version == 2
        await later


async def test_another_authority_comes_in_without_a_restart(tmp_path: Path, secure: ScriptedSettings) -> None:
    async with scripted(nothing, secure) as service, channel_to(service.port, secure) as channel:
        stub = IngestServiceStub(channel)
        await stub.GetDocument(REQUEST, timeout=CALL_SECONDS)
        other = Authority("other")
        stranger = tmp_path / "stranger"
        stranger.mkdir()
        cert, key = other.issue("ingest").write(stranger, "ingest")
        theirs = secure.model_copy(update={"tls_cert": cert, "tls_key": key})
        with pytest.raises(Unavailable):
            await call(service.port, theirs)
        replace(tmp_path / "ca.pem", other.pem)
        other.issue("ingest").write(tmp_path, "ingest")
        # By the stub that was made before.
        await stub.GetDocument(REQUEST, timeout=CALL_SECONDS)
        await call(service.port, theirs)


async def test_files_that_do_not_fit_yet_change_nothing(
    tmp_path: Path, secure: ScriptedSettings, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with scripted(nothing, secure.model_copy(update={"tls_client_ca": None})) as service:
        before = await asyncio.to_thread(shown_serial, service.port)
        fresh = authority.issue("ingest")
        with caplog.at_level(logging.WARNING):
            replace(tmp_path / "ingest.pem", fresh.certificate)
            assert await asyncio.to_thread(shown_serial, service.port) == before
        assert "is not the key of the certificate" in caplog.text
        replace(tmp_path / "ingest.key", fresh.key)
        assert await asyncio.to_thread(shown_serial, service.port) == fresh.serial


async def test_an_expired_server_is_refused_by_name_and_is_not_serving_until_it_is_replaced(
    tmp_path: Path, secure: ScriptedSettings, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    authority.issue("ingest", seconds=-60).write(tmp_path, "ingest")
    (tmp_path / "client").mkdir()
    cert, key = authority.issue("client").write(tmp_path / "client", "client")
    caller = secure.model_copy(update={"tls_cert": cert, "tls_key": key})
    clock = ManualClock(time.time())
    with caplog.at_level(logging.WARNING):
        async with scripted(nothing, secure, clock=clock) as service:
            assert not service.is_serving
            (line,) = [record.getMessage() for record in caplog.records if "not serving" in record.getMessage()]
            assert "HEADWATER_TLS_CERT=" in line
            assert "expired at" in line
            with pytest.raises(Unavailable, match=r"(?i)certificate.*expired"):
                await call(service.port, caller)
            authority.issue("ingest").write(tmp_path, "ingest")
            await call(service.port, caller)
            await clock.advance(CHECK_SECONDS)
            assert service.is_serving


async def test_an_expired_caller_is_refused(tmp_path: Path, secure: ScriptedSettings, authority: Authority) -> None:
    (tmp_path / "client").mkdir()
    cert, key = authority.issue("client", seconds=-60).write(tmp_path / "client", "client")
    async with scripted(nothing, secure) as service:
        with pytest.raises(Unavailable) as caught:
            await call(service.port, secure.model_copy(update={"tls_cert": cert, "tls_key": key}))
    assert "GetDocument" in caught.value.message
    assert "\n" not in caught.value.message
