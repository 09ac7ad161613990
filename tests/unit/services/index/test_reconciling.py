"""What a comparison finds and mends, over the in-memory log and store."""

from dataclasses import replace

import pytest
from headwater_index.domain.drift import Kind, TenantDrift
from headwater_kit.core.crash import POINTS, arm
from headwater_kit.core.documents import DocumentKey, Lane, Position
from headwater_kit.core.events import DocumentIndexed, Outcome, Provenance
from headwater_text.analysis import analyse
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import LedgerRow, Query
from headwater_vectors.testing.samples import rows
from unit.services.index.world import World, dump, parts_of

CLEAN: dict[Kind, int] = {}


@pytest.fixture
async def world() -> World:
    world = World(MemoryStore())
    await world.open()
    for number in range(120):
        await world.write(f"d{number}", 1, "apple", "pear", "plum")
    await world.write("edited", 1, "one", "two", "three", "four", "five")
    await world.write("edited", 2, "six")
    await world.write("gone", 1, "apple")
    await world.write("gone", 2)
    await world.write("bulk", 1, "apple", "pear", "plum", lane=Lane.BACKFILL)
    await world.write("theirs", 4, "apple", tenant="other")
    return world


async def found(world: World, tenant: str | None = None, *, repair: bool = False) -> TenantDrift:
    return (await world.compare(tenant, repair=repair))["acme"]


async def mended(world: World, before: object) -> TenantDrift:
    """Repairs, and sees that the store is as it was and that a second comparison finds nothing."""
    drift = await found(world, repair=True)
    assert await dump(world.store) == before
    assert (await found(world)).counts == CLEAN
    return drift


async def test_nothing_differs_where_nothing_went_wrong(world: World) -> None:
    drifts = await world.compare()
    assert {name: (drift.documents, drift.counts) for name, drift in drifts.items()} == {
        "acme": (123, CLEAN), "other": (1, CLEAN)
    }  # fmt: skip


async def test_a_tenant_is_compared_alone(world: World) -> None:
    await world.store.erase([], [LedgerRow(DocumentKey("other", "theirs"), 4, False, 1)])
    assert list(await world.compare("acme")) == ["acme"]
    assert (await world.compare("other"))["other"].counts == {Kind.MISSING: 1}


@pytest.mark.parametrize("what", ["first", "last", "ledger", "all"])
async def test_missing_rows_are_found_and_written_again(world: World, what: str) -> None:
    before = await dump(world.store)
    key = DocumentKey("acme", "d7")
    by_ordinal = sorted((row for row in before[0] if row.key == key), key=lambda row: row.ordinal)
    chunks = [row.row_id for row in by_ordinal]
    gone = {"first": (chunks[:1], []), "last": (chunks[2:], []), "ledger": ([], [LedgerRow(key, 1, False, 3)])}
    await world.store.erase(*gone.get(what, (chunks, [LedgerRow(key, 1, False, 3)])))
    drift = await found(world)
    assert drift.counts == {Kind.MISSING: 1}
    (example,) = drift.examples
    assert (example.document_id, example.accepted_version) == ("d7", 1)
    assert (await mended(world, before)).repaired == 1


async def test_the_whole_store_is_written_again(world: World) -> None:
    before = await dump(world.store)
    await world.store.erase([row.row_id for row in before[0]], before[1])
    assert (await found(world)).counts == {Kind.MISSING: 123}
    drifts = await world.compare(repair=True)
    assert (drifts["acme"].repaired, drifts["other"].repaired) == (123, 1)
    assert await dump(world.store) == before


async def test_rows_of_versions_that_are_over_are_found_and_deleted(world: World) -> None:
    before = await dump(world.store)
    await world.store.upsert(rows("edited", 1, ["one", "two"]))
    await world.store.upsert(rows("gone", 1, ["apple"]))
    drift = await found(world)
    assert drift.counts == {Kind.EXTRA: 2}
    assert {example.document_id: example.extra_rows for example in drift.examples} == {"edited": 2, "gone": 1}
    assert (await mended(world, before)).repaired == 2


@pytest.mark.parametrize("point", sorted(name for name in POINTS if name.startswith("index.repair_")))
async def test_a_repair_that_crashes_is_ended_by_the_next(world: World, point: str) -> None:
    before = await dump(world.store)
    lost = DocumentKey("acme", "d7")
    await world.store.erase(
        [row.row_id for row in before[0] if row.key == lost and row.ordinal], [LedgerRow(lost, 1, False, 3)]
    )
    await world.store.upsert(rows("gone", 1, ["apple"]))
    await world.store.upsert(rows("ghost", 3, ["apple", "pear"]))
    await world.store.switch(LedgerRow(DocumentKey("acme", "ghost"), 3, False, 2))
    arm(f"{point}:1", crash=die)
    with pytest.raises(Died):
        await found(world, repair=True)
    arm("")
    await mended(world, before)


async def test_a_document_that_the_log_does_not_know_is_deleted(world: World) -> None:
    before = await dump(world.store)
    await world.store.upsert(rows("ghost", 3, ["apple", "pear"]))
    await world.store.switch(LedgerRow(DocumentKey("acme", "ghost"), 3, False, 2))
    drift = await found(world)
    assert drift.counts == {Kind.EXTRA: 1}
    (example,) = drift.examples
    assert (example.accepted_version, example.served_version, example.extra_rows) == (0, 3, 3)
    assert (await mended(world, before)).repaired == 1


@pytest.mark.parametrize("stored", [1, 9])
async def test_another_version_than_the_accepted_one_is_replaced(world: World, stored: int) -> None:
    before = await dump(world.store)
    key = DocumentKey("acme", "edited")
    await world.store.erase([row.row_id for row in before[0] if row.key == key], [LedgerRow(key, 2, False, 1)])
    await world.store.upsert(rows("edited", stored, ["apple"]))
    await world.store.switch(LedgerRow(key, stored, False, 1))
    drift = await found(world)
    assert drift.counts == {Kind.MIXED: 1}
    (example,) = drift.examples
    assert (example.accepted_version, example.served_version) == (2, stored)
    assert (await mended(world, before)).repaired == 1


async def test_an_older_version_is_served_until_the_accepted_one_is_back(world: World) -> None:
    key = DocumentKey("acme", "edited")
    await world.store.erase(
        [row.row_id for row in (await dump(world.store))[0] if row.key == key], [LedgerRow(key, 2, False, 1)]
    )
    await world.store.upsert(rows("edited", 1, ["quince"]))
    await world.store.switch(LedgerRow(key, 1, False, 1))
    seen = set()
    async for _ in world.reconciler().run(*world.repairing()):
        legs = await world.store.search(Query("acme", terms=analyse("quince six")))
        seen.add(tuple(hit.passage.version for hit in legs.lexical))
    assert seen == {(1,), (2,)}


async def test_a_row_under_a_name_that_is_not_its_own_is_deleted(world: World) -> None:
    before = await dump(world.store)
    (row,) = rows("d3", 1, ["apple"])
    stray = type(row)(
        row.key, row.version, type(row.chunk)("f" * 32, 0, "x", (), 0, 1, 1, ""), row.info, row.vector, ""
    )
    await world.store.upsert([stray])
    assert (await found(world)).counts == {Kind.EXTRA: 1}
    assert (await mended(world, before)).repaired == 1


async def test_what_is_under_way_is_no_drift(world: World) -> None:
    key = DocumentKey("acme", "d5")
    first, second = await world.accept(key, 2, "one", "two", "three")
    assert ((await found(world)).counts, (await found(world)).pending) == (CLEAN, 1)
    await world.apply(key, first)
    assert (await found(world)).counts == CLEAN
    await world.indexer.apply(key, second)
    assert ((await found(world)).counts, (await found(world)).pending) == (CLEAN, 1)


async def test_bulk_is_under_way_until_its_own_lane_has_passed_it(world: World) -> None:
    key = DocumentKey("acme", "later")
    parts = await world.accept(key, 1, "one", "two", "three", lane=Lane.BACKFILL)
    await world.write("d9", 2, "after")
    # The same event again, in the live lane: it names a version that is still on its way.
    again = Provenance(Position(2, 900), 100.0, Outcome.STALE, version=1)
    await world.announce(key, DocumentIndexed(again, 100.0, 0))
    drift = await found(world)
    assert (drift.counts, drift.pending) == (CLEAN, 1)
    for part in parts:
        await world.apply(key, part)
    drift = await found(world)
    assert (drift.counts, drift.pending) == (CLEAN, 0)


async def test_a_version_that_was_put_aside_is_told_apart(world: World) -> None:
    key = DocumentKey("acme", "d5")
    (part,) = await world.accept(key, 2, "one")
    rejected = Provenance(part.chunked.provenance.position, 100.0, Outcome.REJECTED, version=2, reason="POISON")
    await world.announce(key, DocumentIndexed(rejected, 100.0, 1))
    drift = await found(world)
    assert (drift.counts, drift.put_aside, drift.pending) == (CLEAN, 1, 0)
    await world.apply(key, part)
    drift = await found(world)
    assert (drift.counts, drift.put_aside) == (CLEAN, 0)


async def test_a_version_that_came_whole_after_it_was_put_aside_is_mended(world: World) -> None:
    key = DocumentKey("acme", "d5")
    first, second, third = await world.accept(key, 2, "one", "two", "three", "four", "five")
    await world.take_away(key, 1)
    await world.compact()
    await world.apply(key, first)
    await world.apply(key, third)
    drift = await found(world)
    assert (drift.counts, drift.put_aside) == (CLEAN, 1)
    # The part in the middle was redriven: it stands behind its siblings now.
    await world.send_part(key, second)
    await world.indexer.apply(key, second)
    drift = await found(world, repair=True)
    assert (drift.counts, drift.repaired) == ({Kind.MIXED: 1}, 1)
    assert [row.version for row in await world.store.versions(key)] == [2]


async def test_a_version_whose_last_part_was_redriven_is_mended(world: World) -> None:
    key = DocumentKey("acme", "d5")
    first, second, third = await world.accept(key, 2, "one", "two", "three", "four", "five")
    await world.take_away(key, 2)
    await world.compact()
    rejected = replace(third.chunked.provenance, outcome=Outcome.REJECTED, reason="POISON")
    marker = replace(third, chunked=replace(third.chunked, provenance=rejected, chunks=()), vectors=())
    await world.send_part(key, marker)
    for part in (first, second, marker):
        await world.apply(key, part)
    assert [row.version for row in await world.store.versions(key)] == [1]
    await world.send_part(key, third)
    await world.apply(key, third)
    drift = await found(world, repair=True)
    assert (drift.counts, drift.repaired) == ({Kind.MIXED: 1}, 1)
    assert [row.version for row in await world.store.versions(key)] == [2]


async def test_a_version_that_stays_put_aside_is_no_drift_after_a_repair(world: World) -> None:
    key = DocumentKey("acme", "d5")
    first, _, third = await world.accept(key, 2, "one", "two", "three", "four", "five")
    await world.take_away(key, 1)
    await world.compact()
    before = await dump(world.store)
    await world.apply(key, first)
    await world.apply(key, third)
    drift = await found(world, repair=True)
    assert (drift.counts, drift.put_aside, drift.drift) == (CLEAN, 1, 0)
    assert await dump(world.store) == before


async def test_what_the_index_announced_counts_before_the_ledger_tells(world: World) -> None:
    key, position = DocumentKey("acme", "early"), Position(2, 10_000)
    (part,) = parts_of(key, 1, position, ["apple"], Lane.LIVE)
    await world.apply(key, part)
    assert (await found(world)).counts == CLEAN


async def test_what_the_log_has_lost_stays_told(world: World) -> None:
    key = DocumentKey("acme", "d8")
    await world.take_away(key, 0)
    await world.compact()
    await world.store.erase(
        [row.row_id for row in (await dump(world.store))[0] if row.key == key], [LedgerRow(key, 1, False, 3)]
    )
    drift = await found(world, repair=True)
    assert (drift.counts, drift.repaired, drift.drift) == ({Kind.MISSING: 1}, 0, 1)


async def test_examples_are_few(world: World) -> None:
    before = await dump(world.store)
    await world.store.erase([row.row_id for row in before[0]], [])
    drift = await found(world)
    assert len(drift.examples) == 10
    assert drift.drift == sum(drift.counts.values()) == 122


class Died(BaseException):
    """Stands for the end of the process."""


def die() -> None:
    raise Died
