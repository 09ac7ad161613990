"""Which version is served: the contract of a vector store under several writers.

Subclass it with fixtures `store`, opened and empty, and `twin`, a second store
over the same collection, as another process has.
"""

import asyncio

from headwater_kit.core.documents import DocumentKey

from headwater_vectors.ports import LedgerRow, Legs, VectorStore
from headwater_vectors.testing.samples import (
    KEY,
    MODEL,
    all_ledger_rows,
    all_rows,
    found,
    ledger_row,
    put,
    query,
    rows,
)


class VersionsContract:
    """Versions, for every adapter."""

    async def test_rows_are_invisible_until_the_switch(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await store.upsert(rows("a", 1, ["apple"]))
        assert found(await store.search(query("apple"))) == set()
        assert await store.switch(ledger_row("a", 1, 1)) == ledger_row("a", 1, 1)
        assert found(await store.search(query("apple"))) == {("a", 1, 0)}

    async def test_a_switch_shows_the_new_version_in_both_legs_and_sweeps_the_old(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple one", "apple two", "apple three"]))
        await store.upsert(rows("a", 2, ["apple four", "apple five"]))
        assert found(await store.search(query("apple"))) == {("a", 1, 0), ("a", 1, 1), ("a", 1, 2)}
        await store.switch(ledger_row("a", 2, 2))
        assert found(await store.search(query("apple"))) == {("a", 2, 0), ("a", 2, 1)}
        assert await all_rows(store) == {("a", 2, 0), ("a", 2, 1)}
        assert await all_ledger_rows(store) == [ledger_row("a", 2, 2)]

    async def test_a_deletion_vanishes_at_the_switch_and_leaves_its_row(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        await store.switch(ledger_row("a", 2, 0))
        assert found(await store.search(query("apple"))) == set()
        counts = await store.counts("acme")
        assert (counts.chunks, counts.documents) == (0, 0)
        assert await store.ledger([KEY]) == [ledger_row("a", 2, 0)]
        assert await all_rows(store) == set()

    async def test_a_document_comes_back_after_a_deletion(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await store.switch(ledger_row("a", 2, 0))
        await put(store, rows("a", 3, ["apple"]))
        assert found(await store.search(query("apple"))) == {("a", 3, 0)}
        assert await all_ledger_rows(store) == [ledger_row("a", 3, 1)]

    async def test_a_switch_to_an_older_version_changes_nothing_and_cleans_up(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 5, ["apple"]))
        await store.upsert(rows("a", 4, ["apple", "pear"]))
        assert await store.switch(ledger_row("a", 4, 2)) == ledger_row("a", 5, 1)
        assert await all_rows(store) == {("a", 5, 0)}
        assert await all_ledger_rows(store) == [ledger_row("a", 5, 1)]
        assert found(await store.search(query("apple"))) == {("a", 5, 0)}

    async def test_a_deletion_beside_a_version_that_stands_changes_nothing(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 5, ["apple"]))
        assert await store.switch(LedgerRow(KEY, 5, True, 0)) == ledger_row("a", 5, 1)
        assert found(await store.search(query("apple"))) == {("a", 5, 0)}

    async def test_writing_twice_is_writing_once(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        for _ in range(2):
            await put(store, rows("a", 1, ["apple", "pear"]))
        assert len((await store.search(query("apple pear"))).lexical) == 2
        counts = await store.counts("acme")
        assert (counts.chunks, counts.documents) == (2, 1)

    async def test_whole_counts_the_rows_of_one_version(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        written = rows("a", 1, ["one", "two", "three"])
        await store.upsert(written[:1])
        assert not await store.whole(ledger_row("a", 1, 3))
        await store.upsert(written[1:])
        assert await store.whole(ledger_row("a", 1, 3))
        assert not await store.whole(ledger_row("a", 2, 3))

    async def test_the_ledger_answers_in_order(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await store.switch(ledger_row("a", 1, 1))
        await store.switch(ledger_row("b", 3, 0))
        keys = [DocumentKey("acme", name) for name in ("b", "none", "a")]
        assert await store.ledger(keys) == [ledger_row("b", 3, 0), None, ledger_row("a", 1, 1)]

    async def test_what_is_discarded_leaves_nothing_and_touches_nothing_served(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 2, ["apple"]))
        await store.upsert(rows("a", 1, ["apple", "pear"]))
        await store.upsert(rows("a", 3, ["apple", "pear"]))
        await store.discard(ledger_row("a", 1, 2))
        await store.discard(ledger_row("a", 3, 2))
        await store.discard(ledger_row("a", 2, 0))
        await store.discard(ledger_row("a", 2, 1))
        assert await all_rows(store) == {("a", 2, 0)}
        assert await all_ledger_rows(store) == [ledger_row("a", 2, 1)]

    async def test_a_discard_takes_the_rows_beyond_what_is_served(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await put(store, rows("a", 2, ["apple"]))
        await store.upsert(rows("a", 2, ["apple", "too many", "by two"]))
        await store.discard(ledger_row("a", 2, 3))
        assert await all_rows(store) == {("a", 2, 0)}

    async def test_a_tombstone_is_not_discarded(self, store: VectorStore) -> None:
        await store.adopt(MODEL)
        await store.switch(ledger_row("a", 2, 0))
        await store.upsert(rows("a", 2, ["apple"]))
        await store.discard(ledger_row("a", 2, 1))
        assert await store.ledger([KEY]) == [ledger_row("a", 2, 0)]
        assert await all_rows(store) == set()

    async def test_a_late_writer_of_an_older_version_changes_nothing(
        self, store: VectorStore, twin: VectorStore
    ) -> None:
        """A process that was stopped goes on: its rows, its switch and its sweep come after the newer version's."""
        await store.adopt(MODEL)
        await put(store, rows("a", 1, ["apple"]))
        await twin.upsert(rows("a", 2, ["apple late", "apple later"]))
        await put(store, rows("a", 3, ["apple new"]))
        assert found(await store.search(query("apple"))) == {("a", 3, 0)}
        assert await twin.switch(ledger_row("a", 2, 2)) == ledger_row("a", 3, 1)
        for each in (store, twin):
            assert found(await each.search(query("apple"))) == {("a", 3, 0)}
        assert await all_rows(store) == {("a", 3, 0)}
        assert await all_ledger_rows(store) == [ledger_row("a", 3, 1)]

    async def test_a_late_writer_does_not_bring_back_what_was_deleted(
        self, store: VectorStore, twin: VectorStore
    ) -> None:
        await store.adopt(MODEL)
        await store.switch(ledger_row("a", 3, 0))
        await twin.upsert(rows("a", 2, ["apple"]))
        assert found(await store.search(query("apple"))) == set()
        await twin.switch(ledger_row("a", 2, 1))
        assert found(await store.search(query("apple"))) == set()
        assert await all_rows(store) == set()
        assert await all_ledger_rows(store) == [ledger_row("a", 3, 0)]

    async def test_writers_of_two_versions_at_once_leave_the_higher(
        self, store: VectorStore, twin: VectorStore
    ) -> None:
        await store.adopt(MODEL)
        for version in range(1, 20, 2):
            lower, higher = rows("a", version, ["apple"] * 3), rows("a", version + 1, ["apple"] * 2)
            await asyncio.gather(put(store, lower), put(twin, higher))
            assert await all_ledger_rows(store) == [ledger_row("a", version + 1, 2)]
            assert await all_rows(store) == {("a", version + 1, n) for n in range(2)}

    async def test_no_search_sees_two_versions_or_part_of_one_while_documents_change(
        self, store: VectorStore, twin: VectorStore
    ) -> None:
        """Two processes edit, searches run at the same time: every answer shows each document whole, in one version."""
        await store.adopt(MODEL)
        chunks = {version: 2 + version % 3 for version in range(1, 13)}
        for name in ("a", "b"):
            await put(store, rows(name, 1, ["apple"] * chunks[1]))
        writers = [asyncio.create_task(_edit(each, name, chunks)) for each, name in ((store, "a"), (twin, "b"))]
        seen = 0
        while not all(task.done() for task in writers):
            legs = await store.search(query("apple"))
            for leg in (legs.dense, legs.lexical):
                _check_whole(Legs(dense=leg), chunks)
            _check_whole(legs, chunks)
            seen += len(found(legs)) > 0
            await asyncio.sleep(0)
        await asyncio.gather(*writers)
        assert seen > 0
        assert found(await store.search(query("apple"))) == {(d, 12, n) for d in ("a", "b") for n in range(chunks[12])}

    async def test_a_scan_sees_all_that_is_stored(self, store: VectorStore) -> None:
        assert await all_rows(store) == set()
        await store.adopt(MODEL)
        await put(store, rows("a", 2, ["apple"] * 150))
        await put(store, rows("b", 1, ["pear"], tenant="other"))
        await store.maintain()
        await store.upsert(rows("a", 3, ["not switched to"]))
        await store.switch(ledger_row("gone", 7, 0))
        a, extra = {("a", 2, n) for n in range(150)}, {("a", 3, 0)}
        assert await all_rows(store) == a | extra | {("b", 1, 0)}
        assert await all_rows(store, "acme") == a | extra
        assert await all_rows(store, "nobody") == set()
        (page,) = [page async for page in store.rows("other")]
        assert [(row.row_id, row.key) for row in page] == [
            (rows("b", 1, ["pear"], tenant="other")[0].chunk.chunk_id, DocumentKey("other", "b"))
        ]
        assert await all_ledger_rows(store, "acme") == [ledger_row("a", 2, 150), ledger_row("gone", 7, 0)]
        assert len(await all_ledger_rows(store)) == 3

    async def test_single_rows_can_be_looked_for_and_erased(self, store: VectorStore) -> None:
        ids = [row.chunk.chunk_id for row in rows("a", 2, ["one", "two", "three"])]
        assert not await store.versions(KEY)
        assert await store.present(ids) == frozenset()
        await store.erase(ids, [ledger_row("a", 2, 3)])
        await store.adopt(MODEL)
        await put(store, rows("a", 2, ["one", "two", "three"]))
        assert await store.present([*ids, "0" * 32]) == set(ids)
        await store.erase(ids[1:], [])
        assert await store.present(ids) == set(ids[:1])
        assert list(await store.versions(KEY)) == [ledger_row("a", 2, 3)]
        await store.erase((), [ledger_row("a", 2, 3)])
        assert list(await store.versions(KEY)) == []
        assert await store.ledger([KEY]) == [None]


async def _edit(store: VectorStore, name: str, chunks: dict[int, int]) -> None:
    for version in range(2, len(chunks) + 1):
        # Row by row, so that there is a part to be seen.
        for row in rows(name, version, ["apple"] * chunks[version]):
            await store.upsert([row])
            await asyncio.sleep(0)
        await store.switch(ledger_row(name, version, chunks[version]))


def _check_whole(legs: Legs, chunks: dict[int, int]) -> None:
    shown = found(legs)
    for name in {document for document, _, _ in shown}:
        versions = {version for document, version, _ in shown if document == name}
        assert len(versions) == 1, f"{name} in versions {versions}"
        (version,) = versions
        ordinals = {ordinal for document, _, ordinal in shown if document == name}
        assert ordinals == set(range(chunks[version])), f"part of {name}@{version}: {ordinals}"
