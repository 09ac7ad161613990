"""One contract over all caches of vectors."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from headwater_embed.adapters.lru import LruCache
from headwater_embed.adapters.sqlite import SqliteCache
from headwater_embed.adapters.tiers import TieredCache
from headwater_embed.domain import Embedding
from headwater_embed.ports import VectorCache
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline

MAX_BYTES = 1024 * 1024
DIMENSION_BYTES = 4 * 384


def memory(_: Path) -> LruCache:
    return LruCache(MAX_BYTES)


def disk(folder: Path) -> SqliteCache:
    return SqliteCache(folder / "vectors.sqlite3", MAX_BYTES)


def tiers(_: Path) -> TieredCache:
    return TieredCache({"memory": LruCache(MAX_BYTES // 4), "disk": LruCache(MAX_BYTES)})


KINDS: dict[str, Callable[[Path], VectorCache]] = {"memory": memory, "disk": disk, "tiers": tiers}


@pytest.fixture(params=KINDS)
async def cache(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorCache]:
    cache = KINDS[request.param](tmp_path)
    if isinstance(cache, SqliteCache):
        await cache.start()
    yield cache
    if isinstance(cache, SqliteCache):
        await cache.stop(Deadline.after(SystemClock(), 5.0))


def embedding(number: int) -> Embedding:
    return Embedding(number.to_bytes(4, "little") * (DIMENSION_BYTES // 4), is_truncated=number % 2 == 1)


async def test_what_was_put_is_found_by_its_key_and_nothing_else_is(cache: VectorCache) -> None:
    assert await cache.get_many(["m:a"]) == {}
    await cache.put_many({"m:a": embedding(1), "m:b": embedding(2)})
    assert await cache.get_many(["m:b", "m:c", "m:a"]) == {"m:a": embedding(1), "m:b": embedding(2)}
    assert await cache.get_many([]) == {}


async def test_what_is_put_again_is_what_stands(cache: VectorCache) -> None:
    await cache.put_many({"m:a": embedding(1)})
    await cache.put_many({"m:a": embedding(2)})
    assert await cache.get_many(["m:a"]) == {"m:a": embedding(2)}


async def test_the_bound_is_kept_at_the_cost_of_the_old(cache: VectorCache) -> None:
    for first in range(0, 2048, 64):
        await cache.put_many({f"m:{number}": embedding(number) for number in range(first, first + 64)})
    found = await cache.get_many([f"m:{number}" for number in range(2048)])
    assert sum(len(each.vector) for each in found.values()) <= MAX_BYTES
    assert "m:2047" in found
    assert "m:0" not in found
