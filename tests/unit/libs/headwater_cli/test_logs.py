from pathlib import Path

import pytest
from headwater_cli.platform import logs


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, ["3"]), (2, ["2", "3"]), (9, ["1", "2", "3"])])
def test_last_lines(tmp_path: Path, count: int, expected: list[str]) -> None:
    log = tmp_path / "a.log"
    log.write_text("1\n2\n3\n")
    assert logs.last_lines(log, count) == expected


def test_last_lines_of_a_file_larger_than_a_block(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    written = [f"line {number} {'x' * 100}" for number in range(5000)]
    log.write_text("\n".join(written) + "\n")
    assert logs.last_lines(log, 1500) == written[-1500:]


def test_there_are_no_lines_without_a_log(tmp_path: Path) -> None:
    assert logs.last_lines(tmp_path / "none.log", 5) == []


def test_new_lines_are_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("1\n2")
    assert logs.new_lines(log, 0) == (["1"], 2)
    log.write_text("1\n23\n")
    assert logs.new_lines(log, 2) == (["23"], 5)


def test_a_trimmed_log_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("new\n")
    assert logs.new_lines(log, 1000) == (["new"], 4)


def test_trim_keeps_the_writer_writing(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("a") as writer:
        print("old", file=writer, flush=True)
        logs.trim(log, max_bytes=1)
        print("new", file=writer, flush=True)
    assert log.read_text() == "new\n"
    assert (tmp_path / "a.log.1").read_text() == "old\n"


def test_trim_leaves_a_small_log_alone(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("old\n")
    logs.trim(log, max_bytes=4)
    assert log.read_text() == "old\n"
