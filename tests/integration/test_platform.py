"""`headwater up` and `down` on real engines. The services are stand-ins: what is tested is how they are run."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from headwater_kit.settings.ports import GRPC_PORTS
from pymilvus import MilvusClient

FAKE = Path(__file__).with_name("fake_service.py")
pytestmark = pytest.mark.timeout(180)


class Headwater:
    """The command on one data folder, with stand-ins in place of the services."""

    def __init__(self, root: Path, modules: Path) -> None:
        self.root = root
        paths = [str(modules), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        self._env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "headwater_cli", "--data-dir", str(self.root), *arguments]
        return subprocess.Popen(command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def up(self) -> dict[str, Any]:
        done = self("up", "-d", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def state(self) -> dict[str, Any]:
        return json.loads((self.root / "platform.json").read_text())


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    for name in GRPC_PORTS:
        package = folder / f"headwater_{name}"
        package.mkdir()
        (package / "__init__.py").touch()
        shutil.copy(FAKE, package / "__main__.py")
    return folder


@pytest.fixture
def headwater(tmp_path: Path, modules: Path) -> Iterator[Headwater]:
    command = Headwater(tmp_path / "data", modules)
    yield command
    command("down")


def processes(platform: dict[str, Any]) -> dict[str, psutil.Process]:
    return {
        process["name"]: psutil.Process(process["identity"]["pid"])
        for process in platform["processes"]
        if process["identity"]
    }


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def produce(bootstrap: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce("documents.v1", value, key=b"kept")
    assert producer.flush(10) == 0


def first_value(bootstrap: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "t", "auto.offset.reset": "earliest"})
    consumer.subscribe(["documents.v1"])
    message = consumer.poll(15)
    consumer.close()
    assert message is not None
    return message.value()


def test_up_starts_nine_processes_and_down_ends_them(headwater: Headwater) -> None:
    platform = headwater.up()
    assert platform["phase"] == "ready"
    running = processes(platform)
    assert set(running) == {"kafka", "milvus", *GRPC_PORTS}
    for process in platform["processes"]:
        host, port = process["address"].split(":")
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port)), 5).close()
    embed = headwater("logs", "embed").stdout
    assert f"KAFKA_BOOTSTRAP={platform['kafka_bootstrap']}" in embed
    assert f"MILVUS_URI={platform['milvus_uri']}" in embed
    started = time.monotonic()
    down = headwater("down")
    assert time.monotonic() - started < 12
    assert down.returncode == 0
    assert "kept" in down.stdout
    assert all(gone(process) for process in running.values())
    assert "drained" in headwater("logs", "embed").stdout


def test_everything_listens_on_loopback_alone(headwater: Headwater) -> None:
    for process in processes(headwater.up()).values():
        listening = [at for at in process.net_connections("inet") if at.status == psutil.CONN_LISTEN]
        assert listening
        assert {at.laddr.ip for at in listening} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_a_second_up_says_that_it_runs(headwater: Headwater) -> None:
    platform = headwater.up()
    again = headwater("up")
    assert again.returncode == 0
    assert "already running" in again.stdout
    assert headwater.state() == platform


def test_data_survives_down_and_up(headwater: Headwater) -> None:
    first = headwater.up()
    produce(first["kafka_bootstrap"], b"a value")
    client = MilvusClient(uri=first["milvus_uri"], timeout=10)
    client.create_collection("kept", dimension=4)
    client.close()
    assert headwater("down").returncode == 0
    second = headwater.up()
    assert first_value(second["kafka_bootstrap"]) == b"a value"
    client = MilvusClient(uri=second["milvus_uri"], timeout=10)
    assert client.list_collections() == ["kept"]
    client.close()


def test_ctrl_c_stops_all_within_ten_seconds(headwater: Headwater) -> None:
    foreground = headwater.start("up", "--json")
    until(lambda: (headwater.root / "platform.json").exists() and headwater.state()["phase"] == "ready", 60)
    running = processes(headwater.state())
    started = time.monotonic()
    foreground.send_signal(signal.SIGINT)
    out, err = foreground.communicate(timeout=15)
    assert time.monotonic() - started < 10
    assert foreground.returncode == 0, err
    assert json.loads(out)["phase"] == "ready"
    assert all(gone(process) for process in running.values())


def test_a_killed_engine_and_a_killed_service_come_back(headwater: Headwater) -> None:
    before = processes(headwater.up())
    for name in ("kafka", "embed"):
        before[name].kill()

    def back() -> bool:
        found = {process["name"]: process for process in headwater.state()["processes"]}
        return all(found[name]["condition"] == "ready" and found[name]["restarts"] == 1 for name in ("kafka", "embed"))

    until(back)
    shown = json.loads(headwater("status", "--json").stdout)
    embed = next(process for process in shown["processes"] if process["name"] == "embed")
    assert (embed["restarts"], embed["last_exit"]) == (1, -9)
    assert first_value_after_restart(headwater) == b"again"


def first_value_after_restart(headwater: Headwater) -> bytes | None:
    bootstrap = headwater.state()["kafka_bootstrap"]
    produce(bootstrap, b"again")
    return first_value(bootstrap)


@pytest.mark.parametrize("command", ["down", "up"])
def test_nothing_outlives_a_killed_headwater(headwater: Headwater, command: str) -> None:
    platform = headwater.up()
    running = processes(platform)
    psutil.Process(platform["supervisor"]["pid"]).kill()
    if command == "down":
        assert headwater("down").returncode == 0
    else:
        assert headwater.up()["phase"] == "ready"
    assert all(gone(process) for process in running.values())


def test_two_platforms_run_side_by_side(headwater: Headwater, tmp_path: Path, modules: Path) -> None:
    other = Headwater(tmp_path / "other", modules)
    starting = [command.start("up", "-d", "--json") for command in (headwater, other)]
    outputs = [process.communicate(timeout=120)[0] for process in starting]
    try:
        first, second = (json.loads(output) for output in outputs)
        addresses = [{process["address"] for process in platform["processes"]} for platform in (first, second)]
        assert not addresses[0] & addresses[1]
        assert other("down").returncode == 0
        assert not any(gone(process) for process in processes(first).values())
    finally:
        other("down")


def test_existing_engines_are_used_and_not_started(
    headwater: Headwater, kafka_bootstrap: str, milvus_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headwater._env |= {"HEADWATER_KAFKA_BOOTSTRAP": kafka_bootstrap, "HEADWATER_MILVUS_URI": milvus_uri}
    platform = headwater.up()
    assert set(processes(platform)) == set(GRPC_PORTS)
    assert (platform["kafka_bootstrap"], platform["milvus_uri"]) == (kafka_bootstrap, milvus_uri)


def test_doctor_and_status_of_a_running_platform(headwater: Headwater) -> None:
    headwater.up()
    doctor = headwater("doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout
    assert {finding["check"] for finding in json.loads(doctor.stdout)["findings"]} == {
        *("python", "java", "disk", "ports", "jars", "weights", "broker", "store")
    }
    status = headwater("status", "--json")
    assert status.returncode == 0, status.stdout
    shown = json.loads(status.stdout)
    assert {process["state"] for process in shown["processes"]} == {"ready"}
    assert {(lag["group"], lag["lag"]) for lag in shown["lags"]} >= {("ingest", 0), ("embed", 0)}
    assert headwater("status").returncode == 0


def test_a_dead_letter_is_shown_with_its_reason(headwater: Headwater) -> None:
    platform = headwater.up()
    producer = Producer({"bootstrap.servers": platform["kafka_bootstrap"]})
    headers = [("headwater-dead-letter-reason", b"EMPTY_TEXT")]
    producer.produce("documents.v1.ingest.dead-letter", b"x", key=b"k", headers=headers)
    assert producer.flush(10) == 0
    shown = json.loads(headwater("status", "--json").stdout)
    assert shown["dead_letters"] == [
        {"topic": "documents.v1.ingest.dead-letter", "count": 1, "reasons": {"EMPTY_TEXT": 1}}
    ]


def test_a_service_that_cannot_start_is_named_in_one_line(headwater: Headwater, modules: Path, tmp_path: Path) -> None:
    broken = tmp_path / "modules"
    shutil.copytree(modules, broken)
    (broken / "headwater_guard" / "__main__.py").write_text("raise SystemExit('no policy')")
    failing = Headwater(headwater.root, broken)
    done = failing("up")
    assert done.returncode == 1
    error = done.stderr.strip().splitlines()[-1]
    assert "guard" in error
    assert "no policy" in error
    assert "Traceback" not in done.stderr
    assert "last start failed" in failing("status").stdout
