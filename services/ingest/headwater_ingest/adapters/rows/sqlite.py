"""Rows in an SQLite file, so that a restart reads only what is new."""

import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from headwater_kit.core.errors import Misconfigured

logger = logging.getLogger(__name__)

# A commit costs a write to disk; what is lost of a batch at a crash is read from the topic again.
COMMIT_ROWS = 500
# Another process holds the file: the one before, on its way out, or a mistake.
LOCK_SECONDS = 5.0
_OPEN = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA locking_mode = EXCLUSIVE;
    CREATE TABLE IF NOT EXISTS value (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS position (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL);
"""


class SqliteRows:
    """A `Rows` over one file, held by one process at a time.

    A damaged file is thrown away: the topic has it all. Raises Misconfigured
    where the file cannot be written or another process holds it.
    """

    def __init__(self, path: Path, lock_seconds: float = LOCK_SECONDS) -> None:
        self._database = _open(path, lock_seconds)
        self._pending = 0

    def get(self, key: bytes) -> bytes | None:
        found = self._database.execute("SELECT value FROM value WHERE key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def put(self, key: bytes, value: bytes | None, partition: int, next_offset: int) -> None:
        if value is None:
            self._database.execute("DELETE FROM value WHERE key = ?", (key,))
        else:
            self._database.execute("INSERT OR REPLACE INTO value VALUES (?, ?)", (key, value))
        self._database.execute("INSERT OR REPLACE INTO position VALUES (?, ?)", (partition, next_offset))
        self._pending += 1
        if self._pending >= COMMIT_ROWS:
            self._commit()

    def positions(self) -> Mapping[int, int]:
        return dict(self._database.execute("SELECT partition, next_offset FROM position"))

    def clear(self) -> None:
        self._database.execute("DELETE FROM value")
        self._database.execute("DELETE FROM position")
        self._commit()

    def close(self) -> None:
        self._commit()
        self._database.close()

    def _commit(self) -> None:
        self._database.commit()
        self._pending = 0


def _open(path: Path, lock_seconds: float) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(path, lock_seconds)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            logger.warning("%s is damaged and is built anew: %s", path, error)
            path.unlink()
            return _connect(path, lock_seconds)
    except (OSError, sqlite3.OperationalError) as error:
        raise Misconfigured(
            f"cannot keep a cache in {path} ({error}): give each process a HEADWATER_DATA_DIR of its own that it "
            "may write to"
        ) from error


def _connect(path: Path, lock_seconds: float) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=lock_seconds)
    try:
        database.executescript(_OPEN)
        # The exclusive lock is taken by the first write, not by the pragma.
        database.execute("DELETE FROM position WHERE partition < 0")
        database.commit()
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    except BaseException:
        database.close()
        raise
    return database
