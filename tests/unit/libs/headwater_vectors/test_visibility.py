"""Whole versions over a store whose rows and ledger change between the reads."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from headwater_kit.core.documents import DocumentKey, Passage, document_row_id
from headwater_vectors.ports import Hit, Legs, Query
from headwater_vectors.testing.samples import found, rows
from headwater_vectors.visibility import (
    DOUBT_ROUNDS,
    MAX_FETCHES,
    QUICKLY_FETCHED_CHUNKS,
    LedgerState,
    Marks,
    WholeVersions,
    revision_of,
)

QUERY = Query("acme", vector=b"x", limit=10)
Step = Callable[["RawStore"], None]


class RawStore:
    """Raw rows and ledger rows, in memory; runs a script's next step after each read of rows."""

    def __init__(self) -> None:
        self.rows: dict[str, Hit] = {}
        self.ledger: dict[str, LedgerState] = {}
        self.script: list[Step] = []
        self.searches: list[tuple[str, ...]] = []
        self.fetches = 0
        self.switches = 0

    def write(self, document_id: str, version: int, *ordinals: int) -> None:
        written = rows(document_id, version, ["text"] * (max(ordinals) + 1))
        for ordinal in ordinals:
            row = written[ordinal]
            self.rows[row.chunk.chunk_id] = Hit(Passage(row.chunk, document_id, version, row.info), 1.0)

    def switch(self, document_id: str, version: int, *, deleted: bool = False, writer: str = "w") -> None:
        self.switches += 1
        chunks = sum(1 for hit in self.rows.values() if _revision(hit) == revision_of(_row(document_id), version))
        self.ledger[_row(document_id)] = LedgerState(document_id, version, deleted, chunks, writer, self.switches)

    def sweep(self, document_id: str, below: int) -> None:
        self.rows = {
            id_: hit
            for id_, hit in self.rows.items()
            if hit.passage.document_id != document_id or hit.passage.version >= below
        }

    async def find(self, query: Query, without: Sequence[str]) -> Legs:
        self.searches.append(tuple(without))
        hits = tuple([hit for hit in self.rows.values() if _revision(hit) not in without][: query.limit])
        self._step()
        await asyncio.sleep(0)
        return Legs(hits, hits)

    async def fetch(self, query: Query, states: Sequence[LedgerState]) -> Mapping[str, Sequence[Hit]]:
        self.fetches += 1
        self._step()
        whole: dict[str, Sequence[Hit]] = {}
        for state in states:
            revision = revision_of(_row(state.document_id), state.version)
            held = [hit for hit in self.rows.values() if _revision(hit) == revision]
            if len(held) == state.chunk_count:
                whole[state.document_id] = held
        return whole

    def _step(self) -> None:
        if self.script:
            self.script.pop(0)(self)

    async def view(self, documents: Sequence[str]) -> Mapping[str, LedgerState]:
        return {row_id: self.ledger[row_id] for row_id in documents if row_id in self.ledger}


def _revision(hit: Hit) -> str:
    return revision_of(_row(hit.passage.document_id), hit.passage.version)


def _row(document_id: str) -> str:
    return document_row_id(DocumentKey("acme", document_id))


async def settled(*documents: str) -> tuple[RawStore, WholeVersions]:
    """A store where these documents stand in version 1, of two chunks, and the reader has seen so."""
    store = RawStore()
    for document_id in documents:
        store.write(document_id, 1, 0, 1)
        store.switch(document_id, 1)
    reader = WholeVersions(store)
    await reader.search(QUERY)
    store.searches.clear()
    store.fetches = 0
    return store, reader


async def test_what_is_settled_costs_one_search() -> None:
    store, reader = await settled("a", "b")
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1), ("b", 1, 0), ("b", 1, 1)}
    assert len(store.searches) == 1


async def test_an_edit_that_nobody_has_seen_yet_is_fetched_once_and_then_known() -> None:
    store, reader = await settled("b")
    store.write("a", 1, 0, 1)
    store.switch("a", 1)
    for _ in range(2):
        legs = await reader.search(QUERY)
        assert found(Legs(dense=legs.dense)) == found(Legs(lexical=legs.lexical))
        assert found(legs) == {("a", 1, 0), ("a", 1, 1), ("b", 1, 0), ("b", 1, 1)}
    assert (len(store.searches), store.fetches) == (2, 1)


async def test_more_than_is_quickly_fetched_is_searched_again() -> None:
    store = RawStore()
    for place in range(QUICKLY_FETCHED_CHUNKS // 2 + 1):
        store.write(f"{place}", 1, 0, 1)
        store.switch(f"{place}", 1)
    await WholeVersions(store).search(replace(QUERY, limit=1_000))
    assert (len(store.searches), store.fetches) == (2, 0)


async def test_a_part_seen_before_the_switch_is_not_returned_alone() -> None:
    store, reader = await settled("b")
    store.write("a", 1, 0)

    def finish(raw: RawStore) -> None:
        raw.write("a", 1, 1)
        raw.switch("a", 1)

    store.script = [finish]
    shown = found(await reader.search(QUERY))
    assert {hit for hit in shown if hit[0] == "a"} == {("a", 1, 0), ("a", 1, 1)}
    assert (len(store.searches), store.fetches) == (1, 1)


async def test_an_edit_under_the_search_shows_the_new_version_whole() -> None:
    store, reader = await settled("a")
    store.write("a", 2, 0)

    def finish(raw: RawStore) -> None:
        raw.write("a", 2, 1, 2)
        raw.switch("a", 2)

    store.script = [finish]
    assert found(await reader.search(QUERY)) == {("a", 2, 0), ("a", 2, 1), ("a", 2, 2)}
    assert store.searches[1] == (revision_of(_row("a"), 1),)


async def test_rows_not_switched_to_are_dropped_without_a_second_search() -> None:
    store, reader = await settled("a")
    store.write("a", 2, 0, 1)
    store.write("new", 1, 0)
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == 1


async def test_a_full_leg_that_lost_hits_is_searched_again_without_them() -> None:
    store, reader = await settled("a", "b")
    store.write("a", 2, 0)
    store.switch("a", 2)
    await reader.search(QUERY)
    store.searches.clear()
    narrow = Query("acme", vector=b"x", limit=2)
    assert found(await reader.search(narrow)) == {("b", 1, 0), ("b", 1, 1)}
    assert store.searches == [(), (revision_of(_row("a"), 1),)]


async def test_a_deletion_hides_at_once_and_costs_no_second_search() -> None:
    store, reader = await settled("a", "b")
    store.script = [lambda raw: raw.switch("a", 2, deleted=True)]
    assert found(await reader.search(QUERY)) == {("b", 1, 0), ("b", 1, 1)}
    assert len(store.searches) == 1


def _edit(raw: RawStore, document_id: str) -> None:
    version = raw.ledger[_row(document_id)].version + 1
    raw.write(document_id, version, 0)
    raw.switch(document_id, version)
    raw.sweep(document_id, version)


def _edit_a(raw: RawStore) -> None:
    _edit(raw, "a")


async def test_rounds_have_an_end_and_then_leave_out_what_was_always_in_doubt() -> None:
    store, reader = await settled("a", "b")
    store.script = [_edit_a] * 100
    assert found(await reader.search(QUERY)) == {("b", 1, 0), ("b", 1, 1)}
    assert (len(store.searches), store.fetches) == (DOUBT_ROUNDS, MAX_FETCHES)


async def test_what_changes_in_every_round_is_fetched_and_shown_once_it_stands_still() -> None:
    store, reader = await settled("a", "b")
    store.script = [_edit_a] * (DOUBT_ROUNDS + 1)
    legs = await reader.search(QUERY)
    assert found(legs) == {("a", 2 + DOUBT_ROUNDS, 0), ("b", 1, 0), ("b", 1, 1)}
    assert found(Legs(lexical=legs.lexical)) == found(legs)
    assert (len(store.searches), store.fetches) == (DOUBT_ROUNDS, 2)


async def test_what_is_fetched_and_has_grown_is_whole_in_both_legs() -> None:
    store, reader = await settled("a")

    def grow(raw: RawStore) -> None:
        raw.write("a", 2 + DOUBT_ROUNDS, 0, 1, 2, 3)
        raw.switch("a", 2 + DOUBT_ROUNDS)

    store.script = [*[_edit_a] * (DOUBT_ROUNDS - 1), grow]
    legs = await reader.search(QUERY)
    assert store.fetches == 1
    for leg in (legs.dense, legs.lexical):
        assert found(Legs(dense=leg)) == {("a", 2 + DOUBT_ROUNDS, n) for n in range(4)}


async def test_what_is_deleted_while_it_is_fetched_is_gone() -> None:
    store, reader = await settled("a", "b")

    def delete_a(raw: RawStore) -> None:
        raw.sweep("a", 100)
        raw.switch("a", 100, deleted=True)

    store.script = [*[_edit_a] * DOUBT_ROUNDS, delete_a]
    assert found(await reader.search(QUERY)) == {("b", 1, 0), ("b", 1, 1)}


async def test_a_document_stays_as_the_last_certain_round_saw_it() -> None:
    store, reader = await settled("a", "b")
    store.write("b", 2, 0)

    def edit_b(raw: RawStore) -> None:
        raw.switch("b", 2)

    store.script = [edit_b, *[_edit_a] * 100]
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1), ("b", 2, 0)}


async def test_a_document_deleted_in_a_later_round_is_gone() -> None:
    store, reader = await settled("a", "b")
    store.write("b", 2, 0)
    store.script = [lambda raw: raw.switch("b", 2), lambda raw: raw.switch("a", 2, deleted=True)]
    assert found(await reader.search(QUERY)) == {("b", 2, 0)}


async def test_hits_of_several_rounds_are_ranked_together() -> None:
    store, reader = await settled("a", "b")
    for n, (id_, hit) in enumerate(list(store.rows.items())):
        store.rows[id_] = Hit(hit.passage, 1.0 + n)
    store.write("c", 1, 0)
    store.script = [lambda raw: raw.switch("c", 1)]
    legs = await reader.search(QUERY)
    assert [hit.score for hit in legs.dense] == [4.0, 3.0, 2.0, 1.0, 1.0]


async def test_what_another_search_learns_meanwhile_does_not_count() -> None:
    store, reader = await settled("b")
    store.write("a", 1, 0)

    def finish(raw: RawStore) -> None:
        raw.write("a", 1, 1)
        raw.switch("a", 1)

    store.script = [finish]
    slow, quick = await asyncio.gather(reader.search(QUERY), reader.search(QUERY))
    for shown in (found(slow), found(quick)):
        assert {hit for hit in shown if hit[0] == "a"} == {("a", 1, 0), ("a", 1, 1)}


def test_marks_cover_what_one_writer_issued_before() -> None:
    marks = Marks()
    seven = LedgerState("a", 1, False, 1, "w", 7)
    assert not marks.covers(seven)
    marks.observe([seven])
    assert marks.covers(LedgerState("a", 9, False, 1, "w", 3))
    assert not marks.covers(LedgerState("a", 9, False, 1, "w", 8))
    assert not marks.covers(LedgerState("a", 9, False, 1, "other", 3))


def test_marks_are_bounded() -> None:
    marks = Marks()
    for n in range(2_000):
        marks.observe([LedgerState("a", 1, False, 1, f"w{n}", 1)])
    assert not marks.covers(LedgerState("a", 1, False, 1, "w0", 1))
    assert marks.covers(LedgerState("a", 1, False, 1, "w1999", 1))
