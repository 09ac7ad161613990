"""Vector stores by name."""

from headwater_kit.plugins import Registry
from headwater_kit.settings.milvus import MilvusSettings

from headwater_vectors.companions import DroppableStore
from headwater_vectors.ports import VectorStore

STORES = Registry(
    "vectors",
    {"milvus": "headwater_vectors.milvus:open_store", "memory": "headwater_vectors.stores:open_memory"},
)


def open_store(settings: MilvusSettings) -> VectorStore:
    """The store that the settings name, not yet opened. Raises Misconfigured for an unknown name."""
    store: VectorStore = STORES.load(settings.vectors)(settings)
    return store


def open_companion(settings: MilvusSettings, encoder: str) -> DroppableStore:
    """The store of the collection that this encoder has beside the served one, not yet opened; of a family of its own.

    The same rows and rules, by another model's vectors. Raises Misconfigured for an unknown name.
    """
    store: DroppableStore = STORES.load(settings.vectors)(settings, encoder)
    return store


def open_memory(settings: MilvusSettings, encoder: str = "") -> VectorStore:  # noqa: ARG001
    """A store of this process alone."""
    from headwater_vectors.memory import MemoryStore  # noqa: PLC0415 - numpy on use only

    return MemoryStore()
