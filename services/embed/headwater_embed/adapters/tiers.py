"""A cache behind a faster one, and how often each of them helps."""

from collections.abc import Collection, Mapping

from headwater_kit.telemetry import counter, names

from headwater_embed.domain import Embedding
from headwater_embed.ports import VectorCache


class TieredCache:
    """A VectorCache over named others, the fastest first; counts the texts by where their vectors came from.

    What a later one has is put into those before it.
    """

    def __init__(self, tiers: Mapping[str, VectorCache]) -> None:
        self._tiers = dict(tiers)

    async def get_many(self, keys: Collection[str]) -> Mapping[str, Embedding]:
        found: dict[str, Embedding] = {}
        passed: list[VectorCache] = []
        for name, tier in self._tiers.items():
            missing = [key for key in keys if key not in found]
            here = await tier.get_many(missing) if missing else {}
            for before in passed if here else ():
                await before.put_many(here)
            _count(name, len(here))
            found |= here
            passed.append(tier)
        _count("encoder", len(keys) - len(found))
        return found

    async def put_many(self, embeddings: Mapping[str, Embedding]) -> None:
        for tier in self._tiers.values():
            await tier.put_many(embeddings)


def _count(source: str, texts: int) -> None:
    if texts:
        counter(names.EMBED_TEXTS).add(texts, {names.EMBED_SOURCE: source})
