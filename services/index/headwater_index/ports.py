"""What indexing needs from outside: the store. Its adapters are in `headwater_vectors`."""

from headwater_vectors.ports import VectorStore

__all__ = ["VectorStore"]
