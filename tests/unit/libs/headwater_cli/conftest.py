"""The `headwater` command within the test's own process, and a broker there for it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from headwater_cli.main import main
from headwater_cli.platform import broker
from headwater_kit.bus.memory import MemoryBus


class Printed(NamedTuple):
    """What a command left behind: its exit code, its output and its complaint."""

    code: int | str | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Verb = Callable[..., Printed]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Verb:
    """Runs `headwater` with these words, its data folder the test's own."""

    def call(*words: str) -> Printed:
        monkeypatch.setattr(sys, "argv", ["headwater", "--data-dir", str(tmp_path / "data"), *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Printed(ended.value.code, printed.out, printed.err)

    return call


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> MemoryBus:
    """The broker that the command reaches, and a wide terminal."""
    bus = MemoryBus()
    monkeypatch.setenv("HEADWATER_KAFKA_BOOTSTRAP", "broker:9092")
    monkeypatch.setattr(broker, "bus", lambda *_: bus)
    monkeypatch.setenv("COLUMNS", "200")
    return bus
