import sys
from pathlib import Path

import headwater_cli.main
import pytest
import typer
from headwater_cli.commands.status import duration
from headwater_cli.main import COMMANDS, asks_to_debug, build, global_first, main
from headwater_kit.core.errors import Denied, HeadwaterError, NotFound, Unavailable


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["up", "--debug"], ["--debug", "up"]),
        (["up", "--data-dir", "x", "-d"], ["--data-dir", "x", "up", "-d"]),
        (["up", "--data-dir=x"], ["--data-dir=x", "up"]),
        (["ask", "--", "--debug"], ["ask", "--", "--debug"]),
        (["up", "--data-dir"], ["--data-dir", "up"]),
        ([], []),
    ],
)
def test_global_options_may_stand_anywhere(given: list[str], expected: list[str]) -> None:
    assert global_first(given) == expected


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["headwater", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_a_failure_is_one_line_with_a_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(monkeypatch, "logs", "nothing", "--data-dir", str(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "headwater up" in error


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["headwater", "logs", "nothing", "--debug", "--data-dir", str(tmp_path)])
    with pytest.raises(NotFound):
        main()


def test_a_wrong_setting_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HEADWATER_START_SECONDS", "soon")
    assert call(monkeypatch, "logs", "embed", "--data-dir", str(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "HEADWATER_START_SECONDS" in error


def test_status_of_nothing_says_how_to_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(monkeypatch, "status", "--data-dir", str(tmp_path)) == 1
    assert f"headwater --data-dir {tmp_path} up" in capsys.readouterr().out


def test_down_of_nothing_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call(monkeypatch, "down", "--data-dir", str(tmp_path)) == 0
    assert "not running" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unavailable("asking for the topics: Local: Broker transport failure (_TRANSPORT)"), "the broker does not"),
        (Unavailable("asking for offsets of t: Leader epoch is newer (UNKNOWN_LEADER_EPOCH)"), "the broker does not"),
        (Unavailable("headwater.retrieve.v1.RetrieveService/Search: connections to all failing"), "retrieve does not"),
        (Unavailable("the store is full"), "the store is full: see `headwater status`"),
        (Unavailable("not running: start it with `headwater up`"), "not running: start it with `headwater up`\n"),
        (Denied("not you"), "not you\n"),
    ],
)
def test_what_is_away_is_told_with_a_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: HeadwaterError, said: str
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(headwater_cli.main, "build", fail)
    assert call(monkeypatch, "status") == 1
    assert f"headwater: {said}" in capsys.readouterr().err


def names(app: typer.Typer) -> set[str | None]:
    return {command.name for command in (*app.registered_commands, *app.registered_groups)}


def test_only_the_called_command_is_imported() -> None:
    assert names(build(["logs", "up"])) == {"logs"}
    assert names(build(["--data-dir", "demo", "ask", "up"])) == {"ask"}
    assert names(build(["dead-letters", "list"])) == {"dead-letters"}
    assert names(build(["--help"])) == set(COMMANDS)


def test_debug_is_an_option_and_no_word_of_a_question() -> None:
    assert asks_to_debug(["--debug", "ask", "why"])
    assert not asks_to_debug(["ask", "--", "--debug"])


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0m 0s"), (61, "1m 1s"), (3600, "1h 0m"), (90_061, "1d 1h"), (864_000, "10d 0h")]
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text
