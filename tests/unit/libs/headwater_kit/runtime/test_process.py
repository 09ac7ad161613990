"""A service as a process: what it says and how it exits."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PROGRAM = """
from headwater_kit.core.crash import crash_point
from headwater_kit.core.errors import Misconfigured, Unavailable
from headwater_kit.runtime import run
from headwater_kit.testing.scripted import ScriptedSettings, scripted


class Part:
    name = "part"

    async def start(self):
        crash_point("bus.polled")
        if fault == "hangs":
            import asyncio, time
            await asyncio.to_thread(time.sleep, 60)
        if fault is not None:
            raise fault

    async def check(self):
        pass

    async def wait(self):
        import asyncio
        await asyncio.Event().wait()

    async def stop(self, deadline):
        pass


async def nothing(context):
    pass


fault = {fault}
run(ScriptedSettings, lambda settings: scripted(nothing, settings, [Part()]))
"""


def start(
    folder: Path, fault: str = "None", env: Mapping[str, str] | None = None, *arguments: str
) -> subprocess.Popen[str]:
    path = folder / "program.py"
    path.write_text(PROGRAM.format(fault=fault))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    command = [sys.executable, str(path), *arguments]
    return subprocess.Popen(command, env={**clean, **(env or {})}, stdout=-1, stderr=-1, text=True)


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def lines_until(process: "subprocess.Popen[str]", message: str) -> Iterator[dict[str, object]]:
    assert process.stderr is not None
    for text in process.stderr:
        line = json.loads(text)
        yield line
        if line["message"] == message:
            return
    raise AssertionError(f"never said {message}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_0(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path)
    lines = list(lines_until(process, "started"))
    assert {"time", "level", "service", "message"} <= set(lines[0])
    process.send_signal(number)
    code, _, rest = finish(process)
    assert code == 0
    assert "draining" in rest


def test_a_signal_while_the_broker_is_away_exits_0(tmp_path: Path) -> None:
    process = start(tmp_path, 'Unavailable("no broker")')
    list(lines_until(process, "part is not up yet: no broker"))
    process.terminate()
    assert finish(process)[0] == 0


def test_a_thread_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    process = start(tmp_path, '"hangs"')
    list(lines_until(process, "listening"))
    process.terminate()
    code, _, rest = finish(process)
    assert code == 0
    assert "draining" in rest


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_the_metrics_endpoint_answers_and_a_taken_port_exits_2(tmp_path: Path) -> None:
    port = free_port()
    env = {"HEADWATER_METRICS_PORT": str(port)}
    process = start(tmp_path, "None", env)
    list(lines_until(process, "started"))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        assert "headwater_service_serving" in response.read().decode()
    code, _, err = finish(start(tmp_path, "None", env))
    assert code == 2
    assert "HEADWATER_METRICS_PORT" in err
    process.terminate()
    assert finish(process)[0] == 0


def test_bad_settings_exit_2_with_a_line_each_and_no_secret(tmp_path: Path) -> None:
    env = {
        "HEADWATER_GRPC_PORT": "many",
        "HEADWATER_LOG_LEVEL": "loud",
        "HEADWATER_KAFKA_SASL_PASSWORD": "hunter2",
    }
    code, _, err = finish(start(tmp_path, "None", env))
    assert code == 2
    assert [line.partition(":")[0] for line in err.splitlines()] == ["HEADWATER_GRPC_PORT", "HEADWATER_LOG_LEVEL"]
    assert "hunter2" not in err


def test_a_part_that_refuses_its_settings_exits_2(tmp_path: Path) -> None:
    code, _, err = finish(start(tmp_path, 'Misconfigured("HEADWATER_MODEL: there is none of that name")'))
    assert code == 2
    assert "HEADWATER_MODEL: there is none of that name\n" in err
    assert "Traceback" not in err


def test_a_crash_exits_1_and_shows_where(tmp_path: Path) -> None:
    code, _, err = finish(start(tmp_path, 'ValueError("oops")'))
    assert code == 1
    assert "ValueError" in err
    assert "program.py" in err


def test_an_armed_point_ends_the_process_once_over_restarts(tmp_path: Path) -> None:
    env = {"HEADWATER_CRASH_AT": "bus.polled:2", "HEADWATER_DATA_DIR": str(tmp_path)}
    process = start(tmp_path, 'Unavailable("no broker")', env)
    code, _, err = finish(process)
    assert code == 137
    assert "draining" not in err
    process = start(tmp_path, "None", env)
    list(lines_until(process, "started"))
    process.terminate()
    assert finish(process)[0] == 0


def test_a_point_that_is_not_declared_exits_2(tmp_path: Path) -> None:
    code, _, err = finish(start(tmp_path, "None", {"HEADWATER_CRASH_AT": "nowhere:1"}))
    assert code == 2
    assert "nowhere" in err


def test_help_names_every_setting(tmp_path: Path) -> None:
    code, out, _ = finish(start(tmp_path, "None", None, "--help"))
    assert code == 0
    assert "HEADWATER_GRPC_PORT (integer" in out


def test_version(tmp_path: Path) -> None:
    code, out, _ = finish(start(tmp_path, "None", None, "--version"))
    assert (code, out.split()[0]) == (0, "headwater-ingest")
