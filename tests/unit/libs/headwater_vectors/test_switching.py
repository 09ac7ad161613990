"""Writers of versions of one document, their steps mixed and cut off in every way."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from headwater_kit.core.crash import POINTS, arm
from headwater_kit.core.errors import Unavailable
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import LedgerRow
from headwater_vectors.switching import Switching
from headwater_vectors.testing.samples import KEY, MODEL, all_ledger_rows, all_rows, found, put, query, rows
from hypothesis import given, settings
from hypothesis import strategies as st

POINTS_OF_A_SWITCH = (
    "vectors.chunks_written",
    "vectors.switching",
    "vectors.switched",
    "vectors.chunks_swept",
    "vectors.ledger_swept",
)


@dataclass(frozen=True)
class Version:
    """What a writer brings: its chunks, none for a deletion; it may die before one of its steps, and come again."""

    number: int
    chunks: int
    dies_at: int | None

    @property
    def row(self) -> LedgerRow:
        return LedgerRow(KEY, self.number, self.chunks == 0, self.chunks)


@dataclass
class Turns:
    """Lets one waiting writer make its next step, as told by `choices`; then looks at what is visible."""

    store: MemoryStore
    choices: list[int]
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def pause_of(self, dies_at: int | None) -> Callable[[], "asyncio.Future[None]"]:
        steps = iter(range(1_000))

        def pause() -> asyncio.Future[None]:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if next(steps) == dies_at:
                turn.set_exception(Unavailable("died"))
            else:
                self.waiting.append(turn)
            return turn

        return pause

    async def run(self, writers: Sequence["asyncio.Task[None]"], check: Callable[[], "asyncio.Future[None]"]) -> None:
        while not all(writer.done() for writer in writers):
            for _ in range(5):
                await asyncio.sleep(0)
            if self.waiting:
                choice = self.choices.pop() if self.choices else 0
                self.waiting.pop(choice % len(self.waiting)).set_result(None)
                await asyncio.sleep(0)
            await check()


async def write(twin: MemoryStore, version: Version) -> None:
    """What index does with a version; one that died does it all again."""
    await twin.open()
    for _ in range(2):
        try:
            await _bring(twin, version)
        except Unavailable:
            continue
        return


async def _bring(store: MemoryStore, version: Version) -> None:
    (held,) = await store.ledger([KEY])
    if held is not None and held.version > version.number:
        await store.discard(version.row)
        return
    if version.chunks:
        for row in rows("a", version.number, ["apple"] * version.chunks):
            await store.upsert([row])
    served = await store.switch(version.row)
    assert served.version >= version.number


async def race(versions: Sequence[Version], choices: list[int]) -> MemoryStore:
    store = MemoryStore()
    await store.open()
    await store.adopt(MODEL)
    turns = Turns(store, choices)
    chunks = {version.number: version.chunks for version in versions}
    highest = 0

    async def check() -> None:
        nonlocal highest
        shown = found(await store.search(query("apple")))
        numbers = {number for _, number, _ in shown}
        assert len(numbers) <= 1
        for number in numbers:
            assert {ordinal for _, _, ordinal in shown} == set(range(chunks[number]))
        (held,) = await store.ledger([KEY])
        assert held is None or held.version >= highest, "an older version is served again"
        assert held is None or numbers in ({held.version}, set())
        highest = held.version if held else highest

    writers = [asyncio.create_task(write(store.twin(turns.pause_of(each.dies_at)), each)) for each in versions]
    await turns.run(writers, check)  # type: ignore[arg-type]
    for writer in writers:
        writer.result()
    return store


VERSIONS = st.builds(Version, st.integers(1, 4), st.integers(0, 3), st.none() | st.integers(0, 8))


@settings(max_examples=400, deadline=None)
@given(
    st.lists(VERSIONS, min_size=1, max_size=4, unique_by=lambda version: version.number),
    st.lists(st.integers(0, 3), max_size=60),
)
async def test_whatever_the_order_of_steps_the_highest_is_served_and_nothing_else_is_left(
    versions: list[Version], choices: list[int]
) -> None:
    store = await race(versions, choices)
    last = max(versions, key=lambda version: version.number)
    assert await all_ledger_rows(store) == [last.row]
    assert await all_rows(store) == {("a", last.number, ordinal) for ordinal in range(last.chunks)}


async def test_a_store_that_reads_before_it_writes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property above can fail: without the second read two writers may each miss the other."""

    async def switch(self: Switching, row: LedgerRow) -> LedgerRow:
        held = await self._raw.versions(row.key)
        await self._raw.add(row)
        await self._sweep(held, row)
        return row

    monkeypatch.setattr(Switching, "switch", switch)
    store = await race([Version(1, 1, None), Version(2, 1, None)], [0, 1] * 30)
    assert len(await all_ledger_rows(store)) == 2


@pytest.mark.parametrize("point", POINTS_OF_A_SWITCH)
async def test_a_crash_at_each_point_of_a_switch_is_made_good_when_it_comes_again(point: str) -> None:
    store = MemoryStore()
    await store.open()
    await store.adopt(MODEL)
    await _bring(store, Version(1, 3, None))

    def die() -> None:
        raise Unavailable("died")

    arm(f"{point}:1", crash=die)
    with pytest.raises(Unavailable):
        await _bring(store, Version(2, 2, None))
    arm("")
    assert {number for _, number, _ in found(await store.search(query("apple")))} in ({1}, {2})
    await _bring(store, Version(2, 2, None))
    assert await all_ledger_rows(store) == [Version(2, 2, None).row]
    assert await all_rows(store) == {("a", 2, 0), ("a", 2, 1)}


async def test_a_crash_before_a_discard_is_made_good() -> None:
    store = MemoryStore()
    await store.open()
    await store.adopt(MODEL)
    await store.upsert(rows("a", 1, ["apple"]))

    def die() -> None:
        raise Unavailable("died")

    arm("vectors.discarding:1", crash=die)
    with pytest.raises(Unavailable):
        await store.discard(LedgerRow(KEY, 1, False, 1))
    arm("")
    await store.discard(LedgerRow(KEY, 1, False, 1))
    assert await all_rows(store) == set()
    assert set(POINTS_OF_A_SWITCH) < set(POINTS)


async def test_a_part_that_is_taken_back_takes_the_rest_of_its_version_along() -> None:
    store = MemoryStore()
    await store.open()
    await store.adopt(MODEL)
    await put(store, rows("a", 1, ["apple", "pear", "fig"]))
    await store.upsert(rows("a", 2, ["apple"]))
    # The newer version is switched to, and the older one not swept yet.
    store._tables.ledger[KEY][2] = LedgerRow(KEY, 2, False, 1)
    await store.discard(LedgerRow(KEY, 1, False, 2))
    assert await all_rows(store) == {("a", 2, 0)}
    assert await all_ledger_rows(store) == [LedgerRow(KEY, 2, False, 1)]
