"""One collection in another's place: the contract of a vector store that is rebuilt.

Subclass it with fixtures `store`, opened and empty, and `twin`, a second store
over the same collection, as another process has.
"""

import asyncio
from dataclasses import replace

import pytest
from headwater_kit.core.errors import Misconfigured

from headwater_vectors.companions import DroppableStore
from headwater_vectors.ports import NOTICE_SECONDS, Model, ModelChanged, Query, VectorStore
from headwater_vectors.testing.samples import (
    MODEL,
    all_ledger_rows,
    all_rows,
    found,
    ledger_row,
    put,
    query,
    rows,
    vector,
)


class CollectionsContract:
    """Shadows and promotion, for every adapter."""

    async def test_a_shadow_is_apart_and_can_be_opened_again(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        shadow = await store.shadow("next")
        assert await shadow.collection() is None
        await shadow.adopt(MODEL)
        await put(shadow, rows("a", 7, ["apple", "apple"]))
        again = await store.shadow("next")
        assert found(await again.search(query("apple"))) == {("a", 7, 0), ("a", 7, 1)}
        assert found(await store.search(query("apple"))) == {("a", 1, 0)}
        name = await again.collection()
        assert name is not None
        assert name[0].endswith("_next")
        assert await store.spare() == [name[0]]
        assert name != await store.collection()
        for each in (shadow, again):
            await each.close()

    async def test_what_is_promoted_is_served_in_every_process(self, store: VectorStore, twin: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        assert found(await twin.search(query("apple"))) == {("a", 1, 0)}
        before = await store.collection()
        assert before is not None
        shadow = await store.shadow("next")
        other = Model("another-model", 8)
        await shadow.adopt(other)
        await put(shadow, rows("a", 2, ["apple"]))
        assert await store.promote("next") == before[0]
        assert found(await store.search(query("apple"))) == {("a", 2, 0)}
        await asyncio.sleep(NOTICE_SECONDS)
        assert found(await twin.search(query("apple"))) == {("a", 2, 0)}
        assert await twin.collection() == await shadow.collection() == await store.collection()
        assert await store.promote("next") == ""
        await put(twin, rows("a", 3, ["apple"]))
        assert await all_rows(shadow) == await all_rows(store) == {("a", 3, 0)}
        assert await all_ledger_rows(store) == [ledger_row("a", 3, 1)]
        await shadow.close()

    async def test_what_was_replaced_is_retired_once_and_for_all(self, store: VectorStore, twin: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        await twin.search(query("apple"))
        shadow = await store.shadow("next")
        await shadow.adopt(MODEL)
        await put(shadow, rows("a", 2, ["apple"]))
        await shadow.close()
        replaced = await store.promote("next")
        assert await store.spare() == [replaced]
        with pytest.raises(Misconfigured):
            await store.retire("next")
        for _ in range(2):
            await store.retire(replaced)
        assert await store.spare() == []
        assert found(await twin.search(query("apple"))) == {("a", 2, 0)}

    async def test_what_is_kept_by_a_label_can_be_promoted_again(self, store: VectorStore) -> None:
        await store.keep("was")
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        before = await store.collection()
        assert before is not None
        for _ in range(2):
            await store.keep("was")
        shadow = await store.shadow("next")
        await shadow.adopt(MODEL)
        await put(shadow, rows("a", 2, ["apple"]))
        await store.promote("next")
        kept = await store.shadow("was")
        assert await kept.collection() == before
        await put(kept, rows("b", 1, ["apple"]))
        await store.promote("was")
        assert found(await store.search(query("apple"))) == {("a", 1, 0), ("b", 1, 0)}
        await store.retire("next")
        assert (await store.collection(), await store.spare()) == (before, [])
        for each in (shadow, kept):
            await each.close()

    async def test_vectors_of_two_models_never_meet(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        shadow = await store.shadow("next")
        other = Model("another-model", MODEL.dimension)
        await shadow.adopt(other)
        await shadow.close()
        await store.promote("next")
        asked = Query("acme", vector(0), model_id=MODEL.model_id)
        with pytest.raises(ModelChanged):
            await store.search(asked)
        with pytest.raises(ModelChanged):
            await store.upsert([replace(row, model_id=MODEL.model_id) for row in rows("a", 2, ["apple"])])
        assert await all_rows(store) == set()
        await store.upsert([replace(row, model_id=other.model_id) for row in rows("a", 2, ["apple"])])
        assert await all_rows(store) == {("a", 2, 0)}
        # Words have no model.
        await store.search(replace(asked, vector=b"", terms="apple"))

    async def test_a_shadow_that_is_given_up_leaves_nothing(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        shadow = await store.shadow("next")
        await shadow.adopt(MODEL)
        await put(shadow, rows("a", 2, ["apple"]))
        await shadow.close()
        await store.retire("next")
        assert await store.spare() == []
        with pytest.raises(Misconfigured):
            await store.promote("next")
        anew = await store.shadow("next")
        assert await anew.collection() is None
        await anew.close()
        assert found(await store.search(query("apple"))) == {("a", 1, 0)}

    async def test_all_that_is_dropped_is_gone_and_may_begin_anew(self, store: DroppableStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        shadow = await store.shadow("next")
        await shadow.adopt(MODEL)
        await put(shadow, rows("a", 2, ["apple"]))
        await shadow.close()
        for _ in range(2):
            await store.drop()
            assert (await store.collection(), await store.spare()) == (None, [])
            assert found(await store.search(query("apple"))) == set()
        other = Model("another-model", 4)
        await store.adopt(other)
        assert await all_rows(store) == set()
        collection = await store.collection()
        assert collection is not None
        assert collection[1] == other

    async def test_a_label_is_a_plain_word(self, store: VectorStore) -> None:
        for label in ("", "Next", "a b", "a/b", "x" * 41):
            with pytest.raises(Misconfigured):
                await store.shadow(label)
