"""The vector store contract, on the in-memory store and on Milvus Lite."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from headwater_vectors.memory import MemoryStore
from headwater_vectors.milvus import Address, MilvusStore
from headwater_vectors.testing.contract import VectorStoreContract


class TestMemoryStore(VectorStoreContract):
    @pytest.fixture
    async def store(self) -> MemoryStore:
        store = MemoryStore()
        await store.open()
        return store


class TestMilvusStore(VectorStoreContract):
    @pytest.fixture
    async def store(self, milvus_uri: str) -> AsyncIterator[MilvusStore]:
        store = MilvusStore(Address(milvus_uri), alias=f"t{uuid4().hex[:12]}")
        await store.open()
        yield store
        await store.drop()
        await store.close()
