"""The vector store contract, on the in-memory store and on Milvus Lite."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from headwater_vectors.memory import MemoryStore
from headwater_vectors.milvus import Address, Isolation, MilvusStore
from headwater_vectors.ports import Model
from headwater_vectors.shadows import companion_alias
from headwater_vectors.testing.access import AccessContract
from headwater_vectors.testing.collections import CollectionsContract
from headwater_vectors.testing.filtering import FilterContract
from headwater_vectors.testing.samples import MODEL, all_rows, put, rows
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

    async def test_an_encoder_beside_is_a_family_of_its_own(
        self, store: MilvusStore, milvus_uri: str, alias: str
    ) -> None:
        beside = MilvusStore(Address(milvus_uri), companion_alias(alias, "other"), isolation=self.isolation)
        await beside.open()
        other = Model("other-model", MODEL.dimension)
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        shadow = await beside.shadow("n1")
        await shadow.adopt(other)
        await put(shadow, rows("a", 2, ["apple"]))
        await shadow.close()
        # A rebuild of the served collection drops what it takes for left over.
        assert (await store.spare(), len(await beside.spare())) == ([], 1)
        await beside.promote("n1")
        served, standing = await store.collection(), await beside.collection()
        assert served is not None
        assert standing is not None
        assert (served[1], standing[1]) == (MODEL, other)
        assert await all_rows(store) == {("a", 1, 0)}
        assert await all_rows(beside) == {("a", 2, 0)}
        (row,) = await store.ledger([row.key for row in rows("a", 1, ["apple"])])
        assert row is not None
        assert row.version == 1
        await beside.drop()
        await beside.close()
        assert await all_rows(store) == {("a", 1, 0)}


class TestMilvusCollections(TestMilvusStore):
    """Collections for each tenant."""

    isolation = Isolation.COLLECTION


class TestMilvusDatabases(TestMilvusStore):
    """A database for each tenant."""

    isolation = Isolation.DATABASE
