"""Embeddings in an SQLite file, so that a restart encodes nothing again."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from headwater_kit.core.deadline import Deadline
from headwater_kit.telemetry import counter, names

from headwater_embed.adapters.vectors_file import VectorsFile
from headwater_embed.domain import Embedding

T = TypeVar("T")

# Batches that may wait for a slow disk; more are let go. A batch is one call's texts, at most 256.
MAX_WAITING = 64
# A disk that takes longer is not worth waiting for: encoding is faster.
READ_SECONDS = 0.5


class SqliteCache:
    """A VectorCache over one file of at most `max_bytes`; the oldest go first. A runtime component.

    One thread does all that touches the file. A file that is gone or damaged
    is begun anew, a disk that is full or away costs what would have been
    kept: neither is ever an error of a call.
    """

    name = "vector cache"

    def __init__(self, path: Path, max_bytes: int, read_seconds: float = READ_SECONDS) -> None:
        self._file = VectorsFile(path, max_bytes)
        self._read_seconds = read_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vector-cache")
        self._waiting: set[asyncio.Future[None]] = set()
        # The last read that took too long: as long as it takes, no other call waits for the disk.
        self._late: asyncio.Future[Mapping[str, Embedding]] | None = None
        self._is_open = False

    async def start(self) -> None:
        """Opens the file, or begins it anew."""
        await self._in_thread(self._file.open)
        self._is_open = True

    async def check(self) -> None:
        """Always well: nothing fails for want of a cache."""

    async def stop(self, deadline: Deadline) -> None:
        """Keeps what waits, for as long as the deadline lets it, and closes the file."""
        if self._is_open:
            self._is_open = False
            closed = self._in_thread(self._file.close)
            await asyncio.wait({closed, *self._waiting}, timeout=deadline.remaining())
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def get_many(self, keys: Collection[str]) -> Mapping[str, Embedding]:
        if not self._is_open:
            return {}
        if self._late is None or self._late.done():
            reading = self._in_thread(self._file.read, list(keys))
            await asyncio.wait({reading}, timeout=self._read_seconds)
            if reading.done():
                return reading.result()
            self._late = reading
        _count_busy(len(keys))
        return {}

    async def put_many(self, embeddings: Mapping[str, Embedding]) -> None:
        if not self._is_open:
            return
        if len(self._waiting) >= MAX_WAITING:
            _count_busy(len(embeddings))
            return
        writing = self._in_thread(self._file.write, dict(embeddings))
        self._waiting.add(writing)
        writing.add_done_callback(self._waiting.discard)

    def _in_thread(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *args)


def _count_busy(texts: int) -> None:
    counter(names.EMBED_CACHE_LOST).add(texts, {names.ERROR_REASON: "BUSY"})
