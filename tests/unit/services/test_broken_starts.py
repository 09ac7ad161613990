"""What is wrong at start: each service names it in one line, with the setting, and serves nothing until it is right."""

import asyncio
import importlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from headwater_kit.bus.kafka import admin
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.core.errors import Misconfigured
from headwater_kit.runtime import Service
from headwater_kit.settings import ServiceSettings, SettingsError, load
from headwater_kit.settings.ports import GRPC_PORTS
from headwater_kit.testing.certificates import Authority
from headwater_vectors.milvus import connection

SERVICES = tuple(GRPC_PORTS)
STORED = ("index", "retrieve")
LIMIT_SECONDS = 60.0


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("HEADWATER_")]:
        monkeypatch.delenv(name)
    # What is away is away; nothing is learned by waiting for it as long as a service does.
    monkeypatch.setattr(admin, "METADATA_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)


def settings_of(service: str) -> type[ServiceSettings]:
    found: type[ServiceSettings] = importlib.import_module(f"headwater_{service}.settings").Settings
    return found


def built(service: str, folder: Path, bus: MemoryBus | None = None, **told: Any) -> Service:
    build: Callable[..., Service] = importlib.import_module(f"headwater_{service}.bootstrap").build
    usual = {"grpc_port": 0, "metrics_port": 0, "data_dir": folder, "drain_seconds": 0.5}
    settings = settings_of(service)(**{**usual, **told})
    return build(settings, bus=bus)


@asynccontextmanager
async def starting(service: Service) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.ensure_future(service.start())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait((task,))
        await service.stop()


async def first_word(service: Service, caplog: pytest.LogCaptureFixture, words: str) -> str:
    """The first line with these words; the service goes on trying, and serves nothing."""
    async with starting(service) as start, asyncio.timeout(LIMIT_SECONDS):
        while not (lines := [found.getMessage() for found in caplog.records if words in found.getMessage()]):
            assert not start.done(), start.exception()
            await asyncio.sleep(0)
        assert not service.is_serving
    assert "\n" not in lines[0]
    return lines[0]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("service", SERVICES)
async def test_a_broker_that_is_not_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, closed_port: int, service: str
) -> None:
    line = await first_word(
        built(service, tmp_path, kafka_bootstrap=f"127.0.0.1:{closed_port}"), caplog, "is not up yet"
    )
    assert f"127.0.0.1:{closed_port}" in line
    assert "Connection refused" in line
    assert "HEADWATER_KAFKA_BOOTSTRAP" in line


async def test_a_broker_whose_name_is_wrong(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    line = await first_word(built("guard", tmp_path, kafka_bootstrap="nowhere.invalid:9092"), caplog, "is not up yet")
    assert "nowhere.invalid" in line
    assert "HEADWATER_KAFKA_BOOTSTRAP" in line


@pytest.mark.parametrize("service", STORED)
async def test_a_store_that_is_not_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, closed_port: int, service: str
) -> None:
    uri = f"http://127.0.0.1:{closed_port}"
    line = await first_word(built(service, tmp_path, MemoryBus(), milvus_uri=uri), caplog, "the store at")
    assert uri in line
    assert "HEADWATER_MILVUS_URI" in line


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({"GRPC_PORT": "many"}, ["HEADWATER_GRPC_PORT"]),
        (
            {"KAFKA_SECURITY_PROTOCOL": "sasl_ssl"},
            ["HEADWATER_KAFKA_SASL_USERNAME", "HEADWATER_KAFKA_SASL_PASSWORD"],
        ),
        ({"TLS_CERT": "cert.pem"}, ["HEADWATER_TLS_CERT", "HEADWATER_TLS_KEY"]),
    ],
)
def test_a_wrong_setting_or_a_missing_secret(
    monkeypatch: pytest.MonkeyPatch, service: str, env: dict[str, str], names: list[str]
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(f"HEADWATER_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load(settings_of(service))
    (line,) = caught.value.faults
    assert all(name in line for name in names)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_certificate_that_is_missing(tmp_path: Path, service: str) -> None:
    missing = {"tls_cert": tmp_path / "nowhere.pem", "tls_key": tmp_path / "nowhere.key"}
    with pytest.raises(Misconfigured, match=r"cannot read .*nowhere\.pem"):
        built(service, tmp_path, MemoryBus(), **missing)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_certificate_that_has_expired(tmp_path: Path, service: str) -> None:
    cert, key = Authority().issue(service, seconds=-60).write(tmp_path, service)
    running = built(service, tmp_path, MemoryBus(), tls_cert=cert, tls_key=key)
    own = next(part for part in running._components if part.name == "certificate")
    with pytest.raises(Exception, match=rf"HEADWATER_TLS_CERT={cert} expired at .* replace the file"):
        await own.check()
