"""Whole versions over a store whose rows and ledger change between the reads."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from headwater_kit.core.documents import DocumentKey, Passage, document_row_id
from headwater_vectors.ports import Hit, Legs, Query
from headwater_vectors.testing.samples import found, rows
from headwater_vectors.visibility import (
    MAX_ODD_ROUNDS,
    MAX_ROUNDS,
    LedgerState,
    LedgerView,
    Marks,
    Pulse,
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
        self.switches = 0
        self.now = 0
        self.keeps_latest = False

    def write(self, document_id: str, version: int, *ordinals: int) -> None:
        written = rows(document_id, version, ["text"] * (max(ordinals) + 1))
        for ordinal in ordinals:
            row = written[ordinal]
            self.rows[row.chunk.chunk_id] = Hit(Passage(row.chunk, document_id, version, row.info), 1.0)

    def switch(self, document_id: str, version: int, *, deleted: bool = False, writer: str = "w") -> None:
        self.switches += 1
        self.ledger[_row(document_id)] = LedgerState(version, deleted, writer, self.switches)

    def sweep(self, document_id: str, below: int) -> None:
        self.rows = {
            id_: hit
            for id_, hit in self.rows.items()
            if hit.passage.document_id != document_id or hit.passage.version >= below
        }

    async def find(self, query: Query, without: tuple[str, ...]) -> Legs:
        self.searches.append(without)
        hits = [
            hit
            for hit in self.rows.values()
            if revision_of(_row(hit.passage.document_id), hit.passage.version) not in without
        ]
        legs = Legs(dense=tuple(hits[: query.limit]))
        if self.script:
            self.script.pop(0)(self)
        await asyncio.sleep(0)
        return legs

    async def view(self, row_ids: Sequence[str]) -> LedgerView:
        return LedgerView({row_id: self.ledger[row_id] for row_id in row_ids if row_id in self.ledger}, self._pulse())

    async def pulse(self) -> Pulse:
        return self._pulse()

    def _pulse(self) -> Pulse:
        latest = LedgerState(0, True, "w", self.switches) if self.keeps_latest else None
        return Pulse(self.now, latest)


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
    return store, reader


async def test_what_is_settled_costs_one_search() -> None:
    store, reader = await settled("a", "b")
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1), ("b", 1, 0), ("b", 1, 1)}
    assert len(store.searches) == 1


async def test_a_writer_seen_for_the_first_time_costs_a_second_search() -> None:
    store = RawStore()
    store.write("a", 1, 0, 1)
    store.switch("a", 1)
    assert found(await WholeVersions(store).search(QUERY)) == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == 2


async def test_a_writer_that_keeps_its_last_switch_costs_none() -> None:
    store = RawStore()
    store.keeps_latest = True
    store.write("a", 1, 0, 1)
    store.switch("a", 1)
    assert found(await WholeVersions(store).search(QUERY)) == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == 1


@pytest.mark.parametrize("keeps_latest", [False, True])
async def test_a_part_seen_before_the_switch_is_not_returned_alone(keeps_latest: bool) -> None:
    store, reader = await settled("b")
    store.keeps_latest = keeps_latest
    store.write("a", 1, 0)

    def finish(raw: RawStore) -> None:
        raw.write("a", 1, 1)
        raw.switch("a", 1)

    store.script = [finish]
    shown = found(await reader.search(QUERY))
    assert {hit for hit in shown if hit[0] == "a"} == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == 2


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


def _edit_b(raw: RawStore) -> None:
    _edit(raw, "b")


async def test_rounds_have_an_end_and_then_leave_out_what_was_always_in_doubt() -> None:
    store, reader = await settled("a", "b")
    store.script = [_edit_a] * (2 * MAX_ROUNDS)
    assert found(await reader.search(QUERY)) == {("b", 1, 0), ("b", 1, 1)}
    assert len(store.searches) == MAX_ROUNDS


async def test_a_document_stays_as_the_last_certain_round_saw_it() -> None:
    store, reader = await settled("a", "b")
    store.write("b", 2, 0)

    def edit_b(raw: RawStore) -> None:
        raw.switch("b", 2)

    store.script = [edit_b, *[_edit_a] * MAX_ROUNDS]
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1), ("b", 2, 0)}


async def test_a_document_deleted_in_a_later_round_is_gone() -> None:
    store, reader = await settled("a", "b")
    store.write("b", 2, 0)
    store.script = [lambda raw: raw.switch("b", 2), lambda raw: raw.switch("a", 2, deleted=True)]
    assert found(await reader.search(QUERY)) == {("b", 2, 0)}


async def test_a_round_that_a_flush_overtook_is_not_believed() -> None:
    store, reader = await settled("a")
    hidden = {id_: store.rows.pop(id_) for id_, hit in list(store.rows.items()) if hit.passage.chunk.ordinal == 1}

    def flushed(raw: RawStore) -> None:
        raw.rows.update(hidden)
        raw.now = 2

    store.script = [flushed]
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == 2


async def test_a_round_within_a_flush_is_not_believed() -> None:
    store, reader = await settled("a")
    store.now = 1
    store.script = [lambda raw: None, lambda raw: setattr(raw, "now", 2)]
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == 3


async def test_a_flush_without_end_does_not_empty_the_answer() -> None:
    store, reader = await settled("a")
    store.now = 1
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == MAX_ROUNDS


async def test_a_flush_in_the_last_round_takes_nothing_from_those_before() -> None:
    store, reader = await settled("a", "b")

    def begin_flush(raw: RawStore) -> None:
        _edit_b(raw)
        raw.now = 1
        raw.rows = {}

    store.script = [*[_edit_b] * (MAX_ROUNDS - 2), begin_flush]
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == MAX_ROUNDS


async def test_an_odd_epoch_left_by_a_dead_writer_does_not_cost_for_ever() -> None:
    store, reader = await settled("a")
    store.now = 1
    for _ in range(MAX_ODD_ROUNDS):
        await reader.search(QUERY)
    store.searches.clear()
    assert found(await reader.search(QUERY)) == {("a", 1, 0), ("a", 1, 1)}
    assert len(store.searches) == 1
    store.now = 3
    await reader.search(QUERY)
    assert len(store.searches) > 2


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
    seven = LedgerState(1, False, "w", 7)
    assert not marks.covers(seven)
    marks.observe([seven])
    assert marks.covers(LedgerState(9, False, "w", 3))
    assert not marks.covers(LedgerState(9, False, "w", 8))
    assert not marks.covers(LedgerState(9, False, "other", 3))


def test_marks_are_bounded() -> None:
    marks = Marks()
    for n in range(2_000):
        marks.observe([LedgerState(1, False, f"w{n}", 1)])
    assert not marks.covers(LedgerState(1, False, "w0", 1))
    assert marks.covers(LedgerState(1, False, "w1999", 1))
