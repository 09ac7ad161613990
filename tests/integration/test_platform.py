"""`headwater up` and `down` on real engines. The services are stand-ins: what is tested is how they are run."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from headwater_kit.settings.ports import GRPC_PORTS
from pymilvus import MilvusClient

FAKE = Path(__file__).with_name("fake_service.py")
pytestmark = pytest.mark.timeout(180)


class Headwater:
    """The command on one data folder, with stand-ins in place of the services."""

    def __init__(self, root: Path, modules: Path, **settings: str) -> None:
        self.root = root
        paths = [str(modules), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        self._env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **settings}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "headwater_cli", "--data-dir", str(self.root), *arguments]
        return subprocess.Popen(command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self("down")

    def up(self) -> dict[str, Any]:
        done = self("up", "-d", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def state(self) -> dict[str, Any]:
        return json.loads((self.root / "platform.json").read_text())


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    for name in GRPC_PORTS:
        package = folder / f"headwater_{name}"
        package.mkdir()
        (package / "__init__.py").touch()
        shutil.copy(FAKE, package / "__main__.py")
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Iterator[Headwater]:
    """A running platform for tests that leave it running."""
    with Headwater(tmp_path_factory.mktemp("shared"), modules) as command:
        command.up()
        yield command


@pytest.fixture
def own(tmp_path: Path, modules: Path) -> Iterator[Headwater]:
    """A platform of the test's own, not yet started."""
    with Headwater(tmp_path / "data", modules) as command:
        yield command


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


def produce(bootstrap: str, topic: str, value: bytes, headers: Mapping[str, bytes] | None = None) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, value, key=b"k", headers=list((headers or {}).items()))
    assert producer.flush(10) == 0


def first_value(bootstrap: str, topic: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "t", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    message = consumer.poll(15)
    consumer.close()
    assert message is not None
    return message.value()


def test_nine_processes_answer_and_know_each_other(shared: Headwater) -> None:
    platform = shared.state()
    assert platform["phase"] == "ready"
    assert set(processes(platform)) == {"kafka", "milvus", *GRPC_PORTS}
    for process in platform["processes"]:
        host, port = process["address"].split(":")
        socket.create_connection((host, int(port)), 5).close()
    embed = shared("logs", "embed").stdout
    assert f"KAFKA_BOOTSTRAP={platform['kafka_bootstrap']}" in embed
    assert f"MILVUS_URI={platform['milvus_uri']}" in embed


def test_everything_listens_on_loopback_alone(shared: Headwater) -> None:
    for process in processes(shared.state()).values():
        listening = [at for at in process.net_connections("inet") if at.status == psutil.CONN_LISTEN]
        assert listening
        assert {at.laddr.ip for at in listening} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_a_second_up_says_that_it_runs(shared: Headwater) -> None:
    before = shared.state()
    again = shared("up")
    assert again.returncode == 0
    assert "already running" in again.stdout
    assert shared.state() == before


def test_doctor_finds_no_fault(shared: Headwater) -> None:
    doctor = shared("doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout
    checked = [finding["check"] for finding in json.loads(doctor.stdout)["findings"]]
    assert checked == ["python", "java", "disk", "ports", "jars", "weights", "broker", "store", "services"]


def test_status_shows_processes_lags_and_dead_letters_with_reasons(shared: Headwater) -> None:
    bootstrap = shared.state()["kafka_bootstrap"]
    produce(bootstrap, "chunks.v1", b"to be done")
    letter = "documents.v1.ingest.dead-letter"
    produce(bootstrap, letter, b"x", {"headwater-dead-letter-reason": b"EMPTY_TEXT"})
    status = shared("status", "--json")
    assert status.returncode == 0, status.stdout
    shown = json.loads(status.stdout)
    assert {process["state"] for process in shown["processes"]} == {"ready"}
    lags = {(lag["group"], lag["topic"]): lag["lag"] for lag in shown["lags"]}
    assert (lags["ingest", "documents.v1"], lags["embed", "chunks.v1"]) == (0, 1), shown["faults"]
    assert shown["dead_letters"] == [{"topic": letter, "count": 1, "reasons": {"EMPTY_TEXT": 1}}]
    text = shared("status").stdout
    assert "EMPTY_TEXT 1" in text
    assert "dead-letters list" in text


def test_a_dead_letter_is_listed_redriven_and_counted_no_more(shared: Headwater) -> None:
    bootstrap = shared.state()["kafka_bootstrap"]
    facts = {"topic": b"questions.v1", "partition": b"2", "offset": b"7", "timestamp": b"1.5", "reason": b"POISON"}
    letter = "questions.v1.generate.dead-letter"
    produce(bootstrap, letter, b"why?", {f"headwater-dead-letter-{name}": fact for name, fact in facts.items()})
    chosen = ("--topic", "questions.v1", "--json")
    listed = json.loads(shared("dead-letters", "list", *chosen).stdout)
    assert (listed["total"], listed["reasons"]) == (1, {"POISON": 1})
    assert "why?" in shared("dead-letters", "show", listed["letters"][0]["place"]).stdout
    assert json.loads(shared("dead-letters", "redrive", *chosen).stdout)["redriven"] == 1
    assert first_value(bootstrap, "questions.v1") == b"why?"
    assert json.loads(shared("dead-letters", "redrive", *chosen).stdout)["redriven"] == 0
    left = json.loads(shared("status", "--json").stdout)["dead_letters"]
    assert letter not in [letters["topic"] for letters in left]


def test_a_killed_engine_and_a_killed_service_come_back(shared: Headwater) -> None:
    before = processes(shared.state())
    for name in ("kafka", "embed"):
        before[name].kill()

    def back() -> bool:
        found = {process["name"]: process for process in shared.state()["processes"]}
        return all(found[name]["condition"] == "ready" and found[name]["restarts"] == 1 for name in ("kafka", "embed"))

    until(back)
    shown = json.loads(shared("status", "--json").stdout)
    embed = next(process for process in shown["processes"] if process["name"] == "embed")
    assert (embed["restarts"], embed["last_exit"]) == (1, -9)
    bootstrap = shared.state()["kafka_bootstrap"]
    produce(bootstrap, "answers.v1", b"again")
    assert first_value(bootstrap, "answers.v1") == b"again"


def test_two_platforms_run_side_by_side(shared: Headwater, own: Headwater) -> None:
    first, second = shared.state(), own.up()
    addresses = [{process["address"] for process in platform["processes"]} for platform in (first, second)]
    assert not addresses[0] & addresses[1]
    running = processes(second)
    down = own("down")
    assert down.returncode == 0
    assert "kept" in down.stdout
    assert all(gone(process) for process in running.values())
    assert "drained" in own("logs", "embed").stdout
    assert not any(gone(process) for process in processes(first).values())


def test_ctrl_c_stops_all_within_ten_seconds_and_the_data_is_kept(own: Headwater) -> None:
    foreground = own.start("up", "--json")
    until(lambda: (own.root / "platform.json").exists() and own.state()["phase"] == "ready", 60)
    first = own.state()
    produce(first["kafka_bootstrap"], "documents.v1", b"a value")
    client = MilvusClient(uri=first["milvus_uri"], timeout=10)
    client.create_collection("kept", dimension=4)
    client.close()
    running = processes(first)
    started = time.monotonic()
    foreground.send_signal(signal.SIGINT)
    out, err = foreground.communicate(timeout=15)
    assert time.monotonic() - started < 10
    assert foreground.returncode == 0, err
    assert json.loads(out)["phase"] == "ready"
    assert all(gone(process) for process in running.values())

    second = own.up()
    assert first_value(second["kafka_bootstrap"], "documents.v1") == b"a value"
    client = MilvusClient(uri=second["milvus_uri"], timeout=10)
    assert client.list_collections() == ["kept"]
    client.close()


def test_nothing_outlives_a_killed_headwater(own: Headwater) -> None:
    first = own.up()
    killed = processes(first)
    psutil.Process(first["supervisor"]["pid"]).kill()
    second = own.up()
    assert second["phase"] == "ready"
    assert all(gone(process) for process in killed.values())
    killed = processes(second)
    psutil.Process(second["supervisor"]["pid"]).kill()
    assert "killed" in own("status").stdout
    assert own("down").returncode == 0
    assert all(gone(process) for process in killed.values())


def test_existing_engines_are_used_and_not_started(
    tmp_path: Path, modules: Path, kafka_bootstrap: str, milvus_uri: str
) -> None:
    engines = {"HEADWATER_KAFKA_BOOTSTRAP": kafka_bootstrap, "HEADWATER_MILVUS_URI": milvus_uri}
    with Headwater(tmp_path, modules, **engines) as command:
        platform = command.up()
        assert set(processes(platform)) == set(GRPC_PORTS)
        assert (platform["kafka_bootstrap"], platform["milvus_uri"]) == (kafka_bootstrap, milvus_uri)


def test_a_service_that_cannot_start_is_named_in_one_line(own: Headwater, modules: Path, tmp_path: Path) -> None:
    broken = tmp_path / "modules"
    shutil.copytree(modules, broken)
    (broken / "headwater_guard" / "__main__.py").write_text("raise SystemExit('no policy')")
    failing = Headwater(own.root, broken)
    done = failing("up")
    assert done.returncode == 1
    error = done.stderr.strip().splitlines()[-1]
    assert "guard" in error
    assert "no policy" in error
    assert "Traceback" not in done.stderr
    assert "last start failed" in failing("status").stdout


def test_the_store_that_is_asked_for_must_be_there(tmp_path: Path, modules: Path) -> None:
    nowhere = Headwater(tmp_path, modules, HEADWATER_MILVUS_URI="http://127.0.0.1:9")
    doctor = nowhere("doctor", "--json")
    assert doctor.returncode == 1
    store = next(found for found in json.loads(doctor.stdout)["findings"] if found["check"] == "store")
    assert not store["ok"]
    assert "HEADWATER_MILVUS_URI" in store["remedy"]
