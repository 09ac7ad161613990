"""Embeddings in memory, the most recently used ones."""

from collections import OrderedDict

from headwater_kit.telemetry import counter, names

from headwater_embed.domain import Embedding

# Key, object headers and table slot around a vector's bytes (sys.getsizeof, CPython 3.11).
OVERHEAD_BYTES = 320


class LruCache:
    """A VectorCache of at most `max_bytes`; counts its hits and misses."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Embedding] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Embedding | None:
        embedding = self._entries.get(key)
        if embedding is not None:
            self._entries.move_to_end(key)
        source = "encoder" if embedding is None else "cache"
        counter(names.EMBED_TEXTS).add(1, {names.EMBED_SOURCE: source})
        return embedding

    def put(self, key: str, embedding: Embedding) -> None:
        if key in self._entries:
            self._bytes -= _size(self._entries.pop(key))
        self._entries[key] = embedding
        self._bytes += _size(embedding)
        while self._bytes > self._max_bytes:
            _, dropped = self._entries.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(embedding: Embedding) -> int:
    return len(embedding.vector) + OVERHEAD_BYTES
