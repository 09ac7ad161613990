from headwater_embed.adapters.lru import LruCache
from headwater_embed.adapters.tiers import TieredCache
from headwater_embed.domain import Embedding

VECTOR = Embedding(b"v" * 100, is_truncated=False)


async def test_what_a_slow_tier_has_is_put_into_the_fast_one() -> None:
    fast, slow = LruCache(10_000), LruCache(10_000)
    await slow.put_many({"a": VECTOR})
    assert await TieredCache({"memory": fast, "disk": slow}).get_many(["a", "b"]) == {"a": VECTOR}
    assert await fast.get_many(["a", "b"]) == {"a": VECTOR}


async def test_what_is_put_is_in_all_tiers() -> None:
    fast, slow = LruCache(10_000), LruCache(10_000)
    await TieredCache({"memory": fast, "disk": slow}).put_many({"a": VECTOR})
    assert (len(fast), len(slow)) == (1, 1)
