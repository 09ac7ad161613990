import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from headwater_cli.platform import state
from headwater_cli.platform.process import Identity
from headwater_cli.platform.state import Condition, Phase, PlatformState, ProcessState
from headwater_kit.core.errors import Misconfigured, Unavailable


def _state() -> PlatformState:
    return PlatformState(
        phase=Phase.READY,
        activity="",
        supervisor=Identity.of(os.getpid()),
        started_at=1.5,
        version="0.1.0",
        kafka_bootstrap="127.0.0.1:9092",
        milvus_uri="http://127.0.0.1:19530",
        processes=(
            ProcessState("kafka", "127.0.0.1:9092", Condition.READY, Identity(1, 2.0), 3.0, 1, -9, "kafka.log"),
        ),
    )


def test_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "platform.json"
    state.write(path, _state())
    assert state.read(path) == _state()


def test_there_is_none_before_the_first_start(tmp_path: Path) -> None:
    assert state.read(tmp_path / "platform.json") is None


@pytest.mark.parametrize("content", ["", "{", "{}", "[1]", '{"phase": "dancing"}'])
def test_an_unreadable_file_is_said_to_be_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "platform.json"
    path.write_text(content)
    with pytest.raises(Misconfigured, match=r"platform\.json"):
        state.read(path)


def test_a_ready_platform_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "platform.json"
    state.write(path, _state())
    assert state.require_ready(path) == _state()


@pytest.mark.parametrize(("moved_seconds", "is_same"), [(-1.0, True), (1.0, True), (60.0, False)])
def test_a_process_is_known_again_when_the_clock_was_set(moved_seconds: float, is_same: bool) -> None:
    now = Identity.of(os.getpid())
    assert (replace(now, create_time=now.create_time + moved_seconds).process() is not None) == is_same


def test_a_platform_whose_supervisor_is_gone_is_not_running(tmp_path: Path) -> None:
    path = tmp_path / "platform.json"
    reused_pid = Identity(os.getpid(), create_time=1.0)
    state.write(path, replace(_state(), supervisor=reused_pid))
    with pytest.raises(Unavailable, match=r"headwater --data-dir .* up"):
        state.require_ready(path)


def test_a_starting_platform_is_not_to_be_used_yet(tmp_path: Path) -> None:
    path = tmp_path / "platform.json"
    state.write(path, replace(_state(), phase=Phase.STARTING))
    with pytest.raises(Unavailable, match="starting"):
        state.require_ready(path)


def test_the_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "platform.lock"
    with state.exclusive(path) as first, state.exclusive(path) as second:
        assert (first, second) == (True, False)
    with state.exclusive(path) as third:
        assert third


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "platform.lock"
    code = (
        "import os, pathlib, sys; from headwater_cli.platform import state\n"
        "with state.exclusive(pathlib.Path(sys.argv[1])) as held: os._exit(0 if held else 1)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    with state.exclusive(path) as held:
        assert held
