from headwater_embed.adapters.lru import OVERHEAD_BYTES, LruCache
from headwater_embed.domain import Embedding

VECTOR = Embedding(b"v" * 100, is_truncated=False)
SIZE = 100 + OVERHEAD_BYTES


async def test_the_longest_unused_goes_first() -> None:
    cache = LruCache(2 * SIZE)
    await cache.put_many({"a": VECTOR, "b": VECTOR})
    assert await cache.get_many(["a"]) == {"a": VECTOR}
    await cache.put_many({"c": VECTOR})
    assert set(await cache.get_many(["a", "b", "c"])) == {"a", "c"}


async def test_memory_is_bounded() -> None:
    cache = LruCache(10 * SIZE + 1)
    for number in range(1_000):
        await cache.put_many({str(number): VECTOR})
    assert len(cache) == 10


async def test_putting_a_key_again_takes_no_more_room() -> None:
    cache = LruCache(2 * SIZE)
    for _ in range(10):
        await cache.put_many({"a": VECTOR, "b": VECTOR})
    assert len(cache) == 2


async def test_a_cache_without_memory_keeps_nothing() -> None:
    cache = LruCache(0)
    await cache.put_many({"a": VECTOR})
    assert await cache.get_many(["a"]) == {}
