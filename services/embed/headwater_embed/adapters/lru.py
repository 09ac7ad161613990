"""Embeddings in memory, the most recently used ones."""

from collections import OrderedDict
from collections.abc import Collection, Mapping

from headwater_embed.domain import Embedding

# Key, object headers and table slot around a vector's bytes (sys.getsizeof, CPython 3.11).
OVERHEAD_BYTES = 320


class LruCache:
    """A VectorCache of at most `max_bytes`; the longest unused go first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Embedding] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    async def get_many(self, keys: Collection[str]) -> Mapping[str, Embedding]:
        found = {key: self._entries[key] for key in keys if key in self._entries}
        for key in found:
            self._entries.move_to_end(key)
        return found

    async def put_many(self, embeddings: Mapping[str, Embedding]) -> None:
        for key, embedding in embeddings.items():
            if key in self._entries:
                self._bytes -= _size(self._entries.pop(key))
            self._entries[key] = embedding
            self._bytes += _size(embedding)
        while self._bytes > self._max_bytes:
            _, dropped = self._entries.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(embedding: Embedding) -> int:
    return len(embedding.vector) + OVERHEAD_BYTES
