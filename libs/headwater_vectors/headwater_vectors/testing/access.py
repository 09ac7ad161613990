"""Who finds what: the contract of a vector store for readers of documents.

Subclass it with a `store` fixture, opened and empty.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest
from headwater_kit.core.readers import readers_of

from headwater_vectors.ports import ChunkRow, Legs, VectorStore
from headwater_vectors.testing.samples import MODEL, found, put, query, rows
from headwater_vectors.testing.searching import HOSTILE
from headwater_vectors.testing.walls import Walls


def restricted(written: Sequence[ChunkRow], *readers: str) -> list[ChunkRow]:
    """The rows, for these readers alone."""
    return [replace(row, info=replace(row.info, readers=tuple(sorted(readers)))) for row in written]


class AccessContract:
    """Readers, for every adapter; `searches` of the random ones are as many as it answers in some seconds."""

    searches: ClassVar = 1_000

    async def test_a_document_is_found_by_its_readers_alone(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("open", 1, ["apple"]))
        await put(store, restricted(rows("legal", 1, ["apple"]), "group:legal"))
        await put(store, restricted(rows("mine", 1, ["apple"]), "user:ann", "group:board"))
        for reads_as, expected in (
            ((), {"open"}),
            (("group:legal",), {"open", "legal"}),
            (("user:ann",), {"open", "mine"}),
            (("group:legal", "user:ann"), {"open", "legal", "mine"}),
            (("user:legal", "group:ann", "*", "legal", "group:lega", "GROUP:LEGAL"), {"open"}),
            (None, {"open", "legal", "mine"}),
        ):
            legs = await store.search(query("apple", reads_as=reads_as))
            for leg in (legs.dense, legs.lexical):
                assert {hit.passage.document_id for hit in leg} == expected, reads_as

    async def test_a_hit_names_its_readers(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, restricted(rows("a", 1, ["apple"]), "user:ann", "group:board"))
        await put(store, rows("b", 1, ["pear"]))
        (hit,) = (await store.search(query("apple", axis=None, reads_as=("user:ann",)))).lexical
        assert hit.passage.info.readers == ("group:board", "user:ann")
        (hit,) = (await store.search(query("pear", axis=None))).lexical
        assert hit.passage.info.readers == ()

    async def test_readers_come_before_ranking(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        for n in range(20):
            await put(store, restricted(rows(f"d{n}", 1, ["apple"], axis=0), "group:other"))
        await put(store, rows("far", 1, ["apple and many other words besides"], axis=3))
        legs = await store.search(query("apple", limit=1, reads_as=("group:own",)))
        assert [hit.passage.document_id for hit in (*legs.dense, *legs.lexical)] == ["far", "far"]

    async def test_a_change_of_readers_counts_at_once(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        for version, readers, expected in (
            (1, (), {"ann", "ben"}),
            (2, ("user:ann",), {"ann"}),
            (3, ("user:ben",), {"ben"}),
            (4, (), {"ann", "ben"}),
        ):
            await put(store, restricted(rows("a", version, ["apple", "pear"]), *readers))
            for user in ("ann", "ben"):
                legs = await store.search(query("apple", reads_as=(f"user:{user}",)))
                shown = {("a", version, 0), ("a", version, 1)} if user in expected else set()
                assert found(legs) == shown, (version, user)

    async def test_the_same_name_in_another_tenant_is_another(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, restricted(rows("a", 1, ["apple"]), "group:legal"))
        await put(store, restricted(rows("b", 1, ["apple"], tenant="other"), "group:legal"))
        assert found(await store.search(query("apple", reads_as=("group:legal",)))) == {("a", 1, 0)}
        assert found(await store.search(query("apple", reads_as=None))) == {("a", 1, 0)}

    async def test_hostile_names_name_only_themselves(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        names = [each for each in HOSTILE if each.isprintable()]
        for n, name in enumerate(names):
            await put(store, restricted(rows(f"d{n}", 1, ["apple"]), f"group:{name}"))
        for n, name in enumerate(names):
            legs = await store.search(query("apple", reads_as=(f"group:{name}", f"user:{name}")))
            assert found(legs) == {(f"d{n}", 1, 0)}, name
        assert await store.search(query("apple")) == Legs()

    async def test_as_many_readers_as_a_document_may_have(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        many = readers_of(f"group-{n:03}" for n in range(255))
        await put(store, restricted(rows("a", 1, ["apple"]), *many, "user:" + "ü" * 512))
        for reader in (many[0], many[-1], "user:" + "ü" * 512):
            assert found(await store.search(query("apple", reads_as=(reader,)))) == {("a", 1, 0)}

    @pytest.mark.parametrize("seed", range(2))
    async def test_random_searches_find_what_a_plain_model_says(self, store: VectorStore, seed: int) -> None:
        walls = Walls(store, random.Random(seed))
        tally = await walls.run(self.searches // 2)
        assert (tally.leaks, tally.misses) == ([], [])
        assert tally.judged > tally.searches
        assert await walls.unharmed()
