"""An SQLite file of embeddings; blocks, and is used by one thread at a time.

SQLite and not a key-value store beside it: it comes with Python, and 64 rows
are read or written in a millisecond, where encoding them takes a second.
"""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from headwater_kit.telemetry import counter, names

from headwater_embed.domain import Embedding

logger = logging.getLogger(__name__)

# How long another process may hold the file before what was to be read or kept is given up.
LOCK_SECONDS = 0.5
# Rows that make room at once: as many as the largest call brings.
EVICTED_ROWS = 256
# What says nothing about the file but that it cannot be used just now.
AWAY = {
    sqlite3.SQLITE_BUSY: "BUSY",
    sqlite3.SQLITE_LOCKED: "BUSY",
    sqlite3.SQLITE_FULL: "FULL",
    sqlite3.SQLITE_IOERR: "UNAVAILABLE",
    sqlite3.SQLITE_READONLY: "UNAVAILABLE",
    sqlite3.SQLITE_CANTOPEN: "UNAVAILABLE",
    sqlite3.SQLITE_PERM: "UNAVAILABLE",
    sqlite3.SQLITE_NOMEM: "UNAVAILABLE",
}
_OPEN = """
    PRAGMA page_size = 8192;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS vector (
        place INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        vector BLOB NOT NULL,
        is_truncated INTEGER NOT NULL,
        digest BLOB NOT NULL
    );
"""
# What is no blob any more was damaged.
_READ = """
    SELECT key, vector, is_truncated, digest FROM vector
    WHERE key IN (SELECT value FROM json_each(?)) AND typeof(vector) = 'blob'
"""
_SIZE = """
    SELECT (page_count - freelist_count) * page_size
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size
"""


class VectorsFile:
    """Embeddings by key in a file of at most `max_bytes`, its log aside; what was written first goes first.

    Raises nothing for what befalls the file. A damaged one is begun anew. One
    that cannot be used gives and keeps nothing, which is counted and, once,
    logged.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._database: sqlite3.Connection | None = None
        self._is_failing = False

    def open(self) -> None:
        """Opens the file; where that cannot be, nothing is kept until the next start."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _connect(self._path)
            self._shrink(self._database)
        except (OSError, sqlite3.Error) as error:
            self._failed(error, 0)

    def read(self, keys: Sequence[str]) -> Mapping[str, Embedding]:
        """Those that are there and whole."""
        if self._database is None:
            return {}
        try:
            rows = self._database.execute(_READ, (json.dumps(keys),)).fetchall()
        except sqlite3.Error as error:
            self._failed(error, len(keys))
            return {}
        found = {key: (Embedding(vector, bool(cut)), digest) for key, vector, cut, digest in rows}
        whole = {key: embedding for key, (embedding, digest) in found.items() if digest == _digest(key, embedding)}
        self._count("DAMAGED", len(found) - len(whole))
        return whole

    def write(self, embeddings: Mapping[str, Embedding]) -> None:
        """Keeps all of them or none."""
        if self._database is None:
            return
        rows = [(key, each.vector, each.is_truncated, _digest(key, each)) for key, each in embeddings.items()]
        try:
            with self._database as transaction:
                transaction.executemany(
                    "INSERT OR REPLACE INTO vector (key, vector, is_truncated, digest) VALUES (?, ?, ?, ?)", rows
                )
                self._make_room(transaction)
            self._is_failing = False
        except sqlite3.Error as error:
            self._failed(error, len(rows))

    def close(self) -> None:
        """Lets go; what was written stays."""
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None

    def _make_room(self, database: sqlite3.Connection) -> None:
        evict = "DELETE FROM vector WHERE place IN (SELECT place FROM vector ORDER BY place LIMIT ?)"
        while database.execute(_SIZE).fetchone()[0] > self._max_bytes:
            if not database.execute(evict, (EVICTED_ROWS,)).rowcount:
                break

    def _shrink(self, database: sqlite3.Connection) -> None:
        # A lower bound than at the last start.
        with database as transaction:
            self._make_room(transaction)
        # As a script: a single execute would free one page.
        database.executescript("PRAGMA incremental_vacuum")

    def _failed(self, error: OSError | sqlite3.Error, rows: int) -> None:
        reason = _reason(error)
        self._count(reason, rows)
        if reason == "DAMAGED":
            logger.warning("%s is damaged and is begun anew: %s", self._path, error)
            self._begin_anew()
        elif not self._is_failing:
            logger.warning("vectors cannot be kept in %s: %s", self._path, error)
            self._is_failing = True

    def _begin_anew(self) -> None:
        self.close()
        try:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._database = _connect(self._path)
        except (OSError, sqlite3.Error) as error:
            logger.warning("vectors are not kept until the next start: %s: %s", self._path, error)

    def _count(self, reason: str, rows: int) -> None:
        if rows:
            counter(names.EMBED_CACHE_LOST).add(rows, {names.ERROR_REASON: reason})


def _connect(path: Path) -> sqlite3.Connection:
    # Opened in one thread and closed in another where the first is held up by the disk.
    database = sqlite3.connect(path, timeout=LOCK_SECONDS, check_same_thread=False)
    try:
        database.executescript(_OPEN)
        # A file of another make shows here.
        database.execute(_READ, ("[]",)).fetchall()
    except BaseException:
        database.close()
        raise
    return database


def _reason(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return "UNAVAILABLE"
    return AWAY.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF, "DAMAGED")


def _digest(key: str, embedding: Embedding) -> bytes:
    # SQLite does not notice a bit that fell over within a value, and a wrong vector would be served for good.
    mark = b"\x01" if embedding.is_truncated else b"\x00"
    return hashlib.blake2b(embedding.vector + mark + key.encode(), digest_size=8).digest()
