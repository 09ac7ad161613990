"""What befalls a file of vectors, and that no caller learns of it but by a miss."""

import logging
import resource
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from headwater_embed.adapters.sqlite import MAX_WAITING, SqliteCache
from headwater_embed.domain import Embedding
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline

MIB = 1024 * 1024
VECTOR = Embedding(b"vect" * 384, is_truncated=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "embed" / "vectors.sqlite3"


@asynccontextmanager
async def opened(path: Path, max_bytes: int = MIB) -> AsyncIterator[SqliteCache]:
    cache = SqliteCache(path, max_bytes)
    await cache.start()
    try:
        yield cache
    finally:
        await cache.stop(Deadline.after(SystemClock(), 5.0))


async def fill(path: Path, count: int = 1, max_bytes: int = MIB) -> None:
    async with opened(path, max_bytes) as cache:
        await cache.put_many({f"m:{number}": VECTOR for number in range(count)})


async def test_a_restart_finds_what_was_kept(path: Path) -> None:
    await fill(path)
    async with opened(path) as cache:
        assert await cache.get_many(["m:0"]) == {"m:0": VECTOR}


async def test_a_file_that_is_gone_is_begun_anew(path: Path) -> None:
    await fill(path)
    path.unlink()
    async with opened(path) as cache:
        assert await cache.get_many(["m:0"]) == {}
        await cache.put_many({"m:1": VECTOR})
        assert await cache.get_many(["m:1"]) == {"m:1": VECTOR}


def no_database(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def of_another_make(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE vector (key TEXT)")
    database.close()


def overwritten_behind_the_first_page(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xa5" * (len(content) - 8192))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


DAMAGES = [no_database, of_another_make, overwritten_behind_the_first_page, cut_short]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
async def test_a_damaged_file_is_begun_anew_and_said(
    path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    await fill(path, 200)
    damage(path)
    with caplog.at_level(logging.WARNING):
        async with opened(path) as cache:
            await cache.get_many([f"m:{number}" for number in range(200)])
            await cache.put_many({"m:new": VECTOR})
            assert await cache.get_many(["m:new"]) == {"m:new": VECTOR}
    assert "begun anew" in caplog.text


async def test_a_vector_of_which_a_bit_fell_over_is_not_found(path: Path) -> None:
    await fill(path, 2)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE vector SET vector = ? WHERE key = 'm:0'", (b"Vect" * 384,))
    database.close()
    async with opened(path) as cache:
        assert await cache.get_many(["m:0", "m:1"]) == {"m:1": VECTOR}


@contextmanager
def no_file_longer_than(size_bytes: int) -> Iterator[None]:
    """A disk that is full, as far as this process can tell."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_costs_what_would_have_been_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(path) as cache:
        await cache.put_many({"m:0": VECTOR})
        assert await cache.get_many(["m:0"]) == {"m:0": VECTOR}
        with caplog.at_level(logging.WARNING), no_file_longer_than(1):
            for number in range(1, 9):
                await cache.put_many({f"m:{number}": VECTOR})
            assert await cache.get_many(["m:0", "m:1"]) == {"m:0": VECTOR}
        await cache.put_many({"m:9": VECTOR})
        assert set(await cache.get_many(["m:0", "m:8", "m:9"])) == {"m:0", "m:9"}
    assert caplog.text.count("cannot be kept") == 1


async def test_a_folder_that_cannot_be_made_is_said_and_does_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        async with opened(tmp_path / "file" / "vectors.sqlite3") as cache:
            await cache.put_many({"m:0": VECTOR})
            assert await cache.get_many(["m:0"]) == {}
    assert "cannot be kept" in caplog.text


async def test_a_lower_bound_makes_the_file_smaller(path: Path) -> None:
    for first in range(0, 1200, 200):
        async with opened(path, 2 * MIB) as cache:
            await cache.put_many({f"m:{number}": VECTOR for number in range(first, first + 200)})
    assert path.stat().st_size > 1.5 * MIB
    async with opened(path) as cache:
        assert await cache.get_many(["m:0", "m:1199"]) == {"m:1199": VECTOR}
    assert path.stat().st_size <= MIB


async def test_two_processes_may_share_a_file(path: Path) -> None:
    async with opened(path) as one, opened(path) as other:
        await one.put_many({"m:0": VECTOR})
        await one.get_many(["m:0"])
        assert await other.get_many(["m:0"]) == {"m:0": VECTOR}


async def test_nothing_is_found_or_kept_before_the_start_and_after_the_stop(path: Path) -> None:
    cache = SqliteCache(path, MIB)
    await cache.put_many({"m:0": VECTOR})
    assert await cache.get_many(["m:0"]) == {}
    await cache.stop(Deadline.after(SystemClock(), 5.0))
    async with opened(path) as other:
        pass
    await other.put_many({"m:0": VECTOR})
    assert await other.get_many(["m:0"]) == {}


async def test_a_disk_that_hangs_holds_up_nobody(path: Path) -> None:
    numbers = range(MAX_WAITING + 3)
    cache, resumes = SqliteCache(path, MIB, read_seconds=0.2), threading.Event()
    await cache.start()
    hanging = cache._in_thread(resumes.wait, 5.0)  # the disk's own thread
    for number in numbers:
        await cache.put_many({f"m:{number}": VECTOR})
    begin = time.monotonic()
    for _ in range(100):
        assert await cache.get_many(["m:0"]) == {}
    assert time.monotonic() - begin < 5.0, "each call waits anew"
    resumes.set()
    await hanging
    await cache._in_thread(lambda: None)  # what waited is done
    assert await cache.get_many(["m:0"]) == {"m:0": VECTOR}, "a disk that is back is read again"
    await cache.stop(Deadline.after(SystemClock(), 5.0))
    async with opened(path) as again:
        assert len(await again.get_many([f"m:{number}" for number in numbers])) == MAX_WAITING
