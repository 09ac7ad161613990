"""Milvus as the vector store: Milvus Lite on a laptop, Milvus in a cluster."""

from headwater_kit.settings.milvus import MilvusSettings

from headwater_vectors.milvus.connection import Address
from headwater_vectors.milvus.schema import Isolation
from headwater_vectors.milvus.store import MilvusStore

__all__ = ["Address", "Isolation", "MilvusStore", "open_store"]


def open_store(settings: MilvusSettings) -> MilvusStore:
    """The store at the settings' address; connects at `open`."""
    token = settings.milvus_token.get_secret_value()
    address = Address(settings.milvus_uri, token, settings.milvus_tls_ca)
    return MilvusStore(address, isolation=Isolation(settings.milvus_isolation))
