"""Milvus as the vector store: Milvus Lite on a laptop, Milvus in a cluster."""

from headwater_kit.settings.milvus import MilvusSettings

from headwater_vectors.milvus.connection import Address
from headwater_vectors.milvus.schema import Isolation
from headwater_vectors.milvus.store import ALIAS, MilvusStore
from headwater_vectors.shadows import companion_alias

__all__ = ["Address", "Isolation", "MilvusStore", "open_store"]


def open_store(settings: MilvusSettings, encoder: str = "") -> MilvusStore:
    """The store at the settings' address, or that of an encoder beside it; connects at `open`."""
    token = settings.milvus_token.get_secret_value()
    address = Address(settings.milvus_uri, token, settings.milvus_tls_ca)
    alias = companion_alias(ALIAS, encoder) if encoder else ALIAS
    return MilvusStore(address, alias, isolation=Isolation(settings.milvus_isolation))
