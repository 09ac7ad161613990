"""What `headwater status` says of services that run and do not serve."""

import json
import logging
import os
import sys
from pathlib import Path

import pytest
from headwater_cli.main import main
from headwater_cli.platform import inspection, state
from headwater_cli.platform.broker import KAFKA_LOGGER
from headwater_cli.platform.health import last_reason
from headwater_cli.platform.process import Identity
from headwater_cli.platform.state import Condition, Phase, PlatformState, ProcessState

# Nothing listens there.
AWAY = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], ""),
        (["12:00:00 warning not serving: consumer: 1 partitions stand", "12:00:01 info    tried"], "consumer: 1 parti"),
        ([json.dumps({"message": 'not serving: store: "away"', "service": "index"})], 'store: "away"'),
        (["not serving: first", "serving", "not serving: second"], "second"),
        (['{"message": "not serving: cut'], "cut"),
        (["not serving: first", "12:00:01 info    serving"], ""),
        (["not serving: first", '{"message": "serving", "service": "index"}'], ""),
    ],
)
def test_the_reason_is_the_last_that_was_logged(tmp_path: Path, lines: list[str], reason: str) -> None:
    log = tmp_path / "embed.log"
    log.write_text("".join(f"{line}\n" for line in lines))
    found = last_reason(log)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


@pytest.fixture
def standing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a platform whose ingest stands and whose broker is away."""
    monkeypatch.setattr(inspection, "_PING_SECONDS", 0.2)
    log = tmp_path / "ingest.log"
    log.write_text("12:00:00 warning not serving: consumer: documents.v1/3 stands\n")
    ingest = ProcessState("ingest", AWAY, Condition.READY, log=str(log))
    supervisor = Identity.of(os.getpid())
    platform = PlatformState(Phase.READY, "", supervisor, 1.0, "0.1.0", None, AWAY, f"http://{AWAY}", (ingest,))
    state.write(tmp_path / "platform.json", platform)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["headwater", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_status_begins_with_what_is_not_serving_and_says_why(
    standing: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "status", "--data-dir", str(standing)) == 1
    printed = capfd.readouterr()
    assert printed.out.splitlines()[0] == "not serving: ingest"
    assert "ingest is not serving: consumer: documents.v1/3 stands" in printed.out
    assert f"--data-dir {standing} dead-letters list" in printed.out
    assert printed.out.count("the broker does not answer: see `headwater logs kafka`") == 1
    assert printed.err == ""


def test_status_gives_the_reason_in_json(
    standing: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "status", "--json", "--data-dir", str(standing)) == 1
    (ingest,) = json.loads(capsys.readouterr().out)["processes"]
    assert (ingest["state"], ingest["reason"]) == ("not serving", "consumer: documents.v1/3 stands")


def test_the_brokers_clients_have_where_to_log(standing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "status", "--json", "--data-dir", str(standing))
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger(KAFKA_LOGGER).handlers)
