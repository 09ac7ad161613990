"""The vector store contract, on the in-memory store and on Milvus Lite."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from headwater_vectors.memory import MemoryStore
from headwater_vectors.milvus import Address, Isolation, MilvusStore
from headwater_vectors.testing.access import AccessContract
from headwater_vectors.testing.collections import CollectionsContract
from headwater_vectors.testing.filtering import FilterContract
from headwater_vectors.testing.searching import SearchContract
from headwater_vectors.testing.versions import VersionsContract


class TestMemoryStore(SearchContract, FilterContract, AccessContract, VersionsContract, CollectionsContract):
    @pytest.fixture
    async def store(self) -> MemoryStore:
        store = MemoryStore()
        await store.open()
        return store

    @pytest.fixture
    async def twin(self, store: MemoryStore) -> MemoryStore:
        twin = store.twin()
        await twin.open()
        return twin


class TestMilvusStore(SearchContract, FilterContract, AccessContract, VersionsContract, CollectionsContract):
    isolation = Isolation.SHARED

    @pytest.fixture
    def alias(self) -> str:
        return f"t{uuid4().hex[:12]}"

    @pytest.fixture
    async def store(self, milvus_uri: str, alias: str) -> AsyncIterator[MilvusStore]:
        store = MilvusStore(Address(milvus_uri), alias, isolation=self.isolation)
        await store.open()
        yield store
        await store.drop()
        await store.close()

    @pytest.fixture
    async def twin(self, milvus_uri: str, alias: str) -> AsyncIterator[MilvusStore]:
        twin = MilvusStore(Address(milvus_uri), alias, isolation=self.isolation)
        await twin.open()
        yield twin
        await twin.close()


class TestMilvusCollections(TestMilvusStore):
    """Collections for each tenant."""

    isolation = Isolation.COLLECTION


class TestMilvusDatabases(TestMilvusStore):
    """A database for each tenant."""

    isolation = Isolation.DATABASE
