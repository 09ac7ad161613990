"""One contract over both kinds of rows."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from headwater_ingest.adapters.rows import Rows
from headwater_ingest.adapters.rows.memory import MemoryRows
from headwater_ingest.adapters.rows.sqlite import COMMIT_ROWS, SqliteRows
from headwater_kit.core.errors import Misconfigured, Unavailable

KINDS: dict[str, Callable[[Path], Rows]] = {
    "memory": lambda _: MemoryRows(),
    "sqlite": lambda path: SqliteRows(path / "rows.sqlite3"),
}


@pytest.fixture(params=KINDS)
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rows]:
    rows = KINDS[request.param](tmp_path)
    yield rows
    rows.close()


def test_the_last_value_of_a_key_stands(rows: Rows) -> None:
    assert rows.get(b"k") is None
    rows.put(b"k", b"one", 2, 1)
    rows.put(b"k", b"two", 2, 2)
    rows.put(b"other\x00", b"", 0, 7)
    assert (rows.get(b"k"), rows.get(b"other\x00")) == (b"two", b"")
    assert rows.positions() == {2: 2, 0: 7}


def test_no_value_drops_the_key(rows: Rows) -> None:
    rows.put(b"k", b"one", 0, 1)
    rows.put(b"k", None, 0, 2)
    rows.put(b"never", None, 0, 3)
    assert rows.get(b"k") is None
    assert rows.positions() == {0: 3}


def test_clear_forgets_everything(rows: Rows) -> None:
    rows.put(b"k", b"one", 0, 1)
    rows.clear()
    assert (rows.get(b"k"), rows.positions()) == (None, {})


def test_a_file_survives(tmp_path: Path) -> None:
    first = SqliteRows(tmp_path / "rows.sqlite3")
    first.put(b"k", b"one", 0, 1)
    first.close()
    assert SqliteRows(tmp_path / "rows.sqlite3").get(b"k") == b"one"


def test_after_a_crash_values_and_positions_are_of_the_same_moment(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "rows.sqlite3")
    for offset in range(COMMIT_ROWS + 10):
        rows.put(f"{offset}".encode(), b"v", 0, offset + 1)
    shutil.copytree(tmp_path, tmp_path / "copy")
    rows.close()
    left = SqliteRows(tmp_path / "copy" / "rows.sqlite3")
    (position,) = left.positions().values()
    assert position == COMMIT_ROWS
    assert left.get(f"{position - 1}".encode()) == b"v"
    assert left.get(f"{position}".encode()) is None


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""], ids=["garbage", "empty"])
def test_a_damaged_file_is_built_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.sqlite3"
    path.write_bytes(content)
    rows = SqliteRows(path)
    assert rows.positions() == {}
    rows.put(b"k", b"v", 0, 1)
    rows.close()


def test_a_file_has_one_process_at_a_time(tmp_path: Path) -> None:
    held = SqliteRows(tmp_path / "rows.sqlite3")
    with pytest.raises(Misconfigured, match="HEADWATER_DATA_DIR"):
        SqliteRows(tmp_path / "rows.sqlite3", lock_seconds=0.0)
    held.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Misconfigured, match="HEADWATER_DATA_DIR"):
        SqliteRows(tmp_path / "file" / "rows.sqlite3")


def fill(rows: SqliteRows) -> None:
    """As much as one transaction takes."""
    for number in range(COMMIT_ROWS - 10):
        rows.put(b"%d" % number, bytes(2_000), 0, 3 + number)


def test_a_full_disk_shows_nothing_of_long_ago(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "rows.sqlite3")
    rows.put(b"k", b"committed", 0, 1)
    rows.close()
    rows = SqliteRows(tmp_path / "rows.sqlite3")
    # No file may grow any more, and less than one transaction fits into memory.
    rows._connection.executescript("PRAGMA max_page_count = 8; PRAGMA cache_size = 1")
    rows.put(b"k", b"newer", 0, 2)
    with pytest.raises(sqlite3.Error):
        fill(rows)
    # What was not committed is gone from the database itself: nobody may be told what it says now.
    assert rows._connection.execute("SELECT value FROM value WHERE key = ?", (b"k",)).fetchone() == (b"committed",)
    with pytest.raises(Unavailable, match="opened anew"):
        rows.get(b"k")
    with pytest.raises(sqlite3.Error):
        rows.put(b"k", b"newest", 0, 4)
    rows.close()
    left = SqliteRows(tmp_path / "rows.sqlite3")
    assert (left.get(b"k"), left.positions()) == (b"committed", {0: 1})
    left.close()
