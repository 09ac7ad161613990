"""Rows in an SQLite file, so that a restart reads only what is new."""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from headwater_kit.core.errors import Misconfigured, Unavailable

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
        self._path = path
        self._connection = _open(path, lock_seconds)
        self._pending = 0
        self._fault: sqlite3.Error | None = None

    def get(self, key: bytes) -> bytes | None:
        if self._fault is not None:
            raise Unavailable(f"the cache in {self._path} failed and is to be opened anew: {self._fault}")
        with self._database() as database:
            found = database.execute("SELECT value FROM value WHERE key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def put(self, key: bytes, value: bytes | None, partition: int, next_offset: int) -> None:
        with self._database() as database:
            if value is None:
                database.execute("DELETE FROM value WHERE key = ?", (key,))
            else:
                database.execute("INSERT OR REPLACE INTO value VALUES (?, ?)", (key, value))
            database.execute("INSERT OR REPLACE INTO position VALUES (?, ?)", (partition, next_offset))
            self._pending += 1
            if self._pending >= COMMIT_ROWS:
                self._commit(database)

    def positions(self) -> Mapping[int, int]:
        with self._database() as database:
            return dict(database.execute("SELECT partition, next_offset FROM position"))

    def clear(self) -> None:
        with self._database() as database:
            database.execute("DELETE FROM value")
            database.execute("DELETE FROM position")
            self._commit(database)

    def close(self) -> None:
        with suppress(sqlite3.Error), self._database() as database:
            self._commit(database)
        self._connection.close()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The database, as long as nothing has failed.

        A write that fails, on a full disk say, may take back all rows that are not
        committed; who read on then would find what was long ago.
        """
        if self._fault is not None:
            raise self._fault
        try:
            yield self._connection
        except sqlite3.Error as error:
            self._fault = error
            raise

    def _commit(self, database: sqlite3.Connection) -> None:
        database.commit()
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
    # Opened in one thread and used in another, never in two at once.
    database = sqlite3.connect(path, timeout=lock_seconds, check_same_thread=False)
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
