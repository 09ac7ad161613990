from headwater_embed.adapters.lru import OVERHEAD_BYTES, LruCache
from headwater_embed.domain import Embedding

VECTOR = Embedding(b"v" * 100, is_truncated=False)
SIZE = 100 + OVERHEAD_BYTES


def test_the_longest_unused_goes_first() -> None:
    cache = LruCache(2 * SIZE)
    cache.put("a", VECTOR)
    cache.put("b", VECTOR)
    assert cache.get("a") == VECTOR
    cache.put("c", VECTOR)
    assert [cache.get(key) is None for key in "abc"] == [False, True, False]


def test_memory_is_bounded() -> None:
    cache = LruCache(10 * SIZE + 1)
    for number in range(1_000):
        cache.put(str(number), VECTOR)
    assert len(cache) == 10


def test_putting_a_key_again_takes_no_more_room() -> None:
    cache = LruCache(2 * SIZE)
    cache.put("a", VECTOR)
    for _ in range(10):
        cache.put("b", VECTOR)
    assert len(cache) == 2


def test_a_cache_without_memory_keeps_nothing() -> None:
    cache = LruCache(0)
    cache.put("a", VECTOR)
    assert cache.get("a") is None
