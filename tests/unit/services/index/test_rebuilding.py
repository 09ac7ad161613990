"""Making the collection anew, over the in-memory log and store."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from headwater_index.domain.rebuilds import RebuildProgress, RebuildStage, plan
from headwater_index.handlers.rebuilding import Rebuilder
from headwater_index.handlers.rebuilds import Rebuilds
from headwater_kit.core.crash import POINTS, arm
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Lane
from headwater_kit.core.errors import Permanent
from headwater_kit.testing.clock import ManualClock
from headwater_text.analysis import analyse
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import LedgerRow, Query
from headwater_vectors.testing.samples import MODEL, rows
from unit.services.index.world import World, dump

STAGES = [
    RebuildStage.REPLAYING,
    RebuildStage.CHECKING,
    RebuildStage.SWITCHING,
    RebuildStage.SETTLING,
    RebuildStage.DONE,
]
Result = TypeVar("Result")
CRASHES = sorted(name for name in POINTS if name.startswith("index.rebuild_"))


@pytest.fixture
async def world() -> World:
    clock = ManualClock()
    world = World(MemoryStore(pause=lambda: clock.sleep(world.write_seconds)), clock)
    await world.open()
    for number in range(90):
        await world.write(f"d{number}", 1, "apple", "pear", "plum")
    await world.write("edited", 1, "one", "two", "three", "four", "five")
    await world.write("edited", 2, "six")
    await world.write("gone", 1, "apple", lane=Lane.BACKFILL)
    await world.write("gone", 2)
    await world.write("bulk", 1, "apple", "pear", "plum", lane=Lane.BACKFILL)
    await world.write("theirs", 4, "apple", tenant="other")
    return world


async def ended(
    world: World, live: Callable[[], Awaitable[None]] | None = None, rebuilder: Rebuilder | None = None
) -> list[RebuildProgress]:
    """Runs to the end; `live` is awaited after each step of the clock."""

    async def run() -> list[RebuildProgress]:
        return [progress async for progress in (rebuilder or world.rebuilder()).run()]

    return await hurried(world, run(), live)


async def hurried(
    world: World, work: Coroutine[None, None, Result], live: Callable[[], Awaitable[None]] | None = None
) -> Result:
    """Moves the clock until the work is done."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await elapse(world, 0.25)
        if live is not None:
            await live()
    return task.result()


async def elapse(world: World, seconds: float) -> None:
    """Moves the clock, and gives threads a moment too: the comparison is made in one."""
    assert isinstance(world.clock, ManualClock)
    await world.clock.advance(seconds)
    await asyncio.to_thread(lambda: None)


async def test_a_reindex_that_began_at_the_same_moment_goes_before(world: World) -> None:
    """Of the two at most one may take the next number."""
    answers = itertools.chain([False], itertools.repeat(True))
    rebuilder = Rebuilder(
        world.store, world.copies(), world.gate, is_reindexing=lambda: next(answers), clock=world.clock
    )
    with pytest.raises(Permanent) as refused:
        await ended(world, rebuilder=rebuilder)
    assert (refused.value.reason, await world.store.spare()) == ("REINDEXING", [])


async def collection(world: World) -> str:
    found = await world.store.collection()
    return found[0] if found else ""


async def test_the_result_is_the_same_row_for_row(world: World) -> None:
    before = await dump(world.store)
    seen = await ended(world)
    assert list(dict.fromkeys(progress.stage for progress in seen)) == STAGES
    assert (seen[-1].collection, seen[-1].passed_over) == ("memory_n1", 0)
    assert seen[-1].done == seen[-1].total > 90
    assert await collection(world) == "memory_n1"
    assert await world.store.spare() == []
    assert await dump(world.store) == before


async def test_it_is_the_same_from_a_compacted_log_and_again(world: World) -> None:
    before = await dump(world.store)
    await world.take_away(DocumentKey("acme", "edited"), 1)
    await world.take_away(DocumentKey("acme", "edited"), 2)
    await world.compact()
    for number in (1, 2):
        assert (await ended(world))[-1].collection == f"memory_n{number}"
        assert await dump(world.store) == before


async def test_what_should_not_be_stored_does_not_come_along(world: World) -> None:
    before = await dump(world.store)
    await world.store.upsert(rows("edited", 1, ["one", "two"]))
    await world.store.upsert(rows("ghost", 1, ["apple"]))
    await world.store.switch(LedgerRow(DocumentKey("acme", "ghost"), 1, False, 1))
    await ended(world)
    assert await dump(world.store) == before


async def test_searches_are_whole_and_fresh_while_documents_change(world: World) -> None:
    """Edits, deletions, new documents and searches go on all the while; then the rows are those of the log."""
    # Some writes are under way at any moment.
    world.write_seconds = 0.02
    version, turns = 10, itertools.count()
    announced: dict[str, int] = {}
    writing: list[asyncio.Task[None]] = []

    async def write(name: str, number: int, *texts: str) -> None:
        await world.write(name, number, *texts)
        announced[name] = max(number, announced.get(name, 0))

    async def live() -> None:
        nonlocal version
        # The comparison's thread goes by the real time, of which a turn of this clock takes little.
        if next(turns) % 8:
            return
        version += 1
        for name, texts in (("edited", ["apple", "pear"] * (version % 3)), ("d3", ["apple"]), (f"n{version}", ["fig"])):
            writing.append(asyncio.create_task(write(name, version, *texts)))
        promised = dict(announced)
        legs = await world.store.search(Query("acme", terms=analyse("apple fig"), limit=10_000))
        shown = {(hit.passage.document_id, hit.passage.version) for hit in legs.lexical}
        assert len({name for name, _ in shown}) == len(shown) >= 90
        for name, least in promised.items():
            assert dict(shown).get(name, least if name == "edited" else 0) >= least

    await ended(world, live)
    await hurried(world, both(*map(awaited, writing)))
    assert version > 12
    assert (await world.compare())["acme"].counts == {}
    assert (await world.store.counts("acme")).documents == 91 + (version % 3 > 0) + (version - 10)


async def test_writes_wait_until_everyone_has_noticed(world: World) -> None:
    announced: list[float] = []

    async def write() -> None:
        await world.write(f"w{len(announced)}", 1, "fig")
        announced.append(world.clock.monotonic())

    writing: list[asyncio.Task[None]] = []

    async def live() -> None:
        writing.append(asyncio.create_task(write()))

    await ended(world, live)
    await elapse(world, 1.0)
    gaps = [later - earlier for earlier, later in itertools.pairwise(announced)]
    assert 1.0 <= max(gaps) < 2.0
    assert all(task.done() for task in writing)


@pytest.mark.parametrize("point", CRASHES)
async def test_a_crash_at_any_point_is_made_good(world: World, point: str) -> None:
    before = await dump(world.store)
    half = await world.store.shadow("n1")
    await half.adopt(MODEL)
    await half.upsert(rows("half", 1, ["apple"]))
    older = await world.store.shadow("older")
    await older.adopt(MODEL)
    arm(f"{point}:1", crash=die)
    with pytest.raises(Died):
        await ended(world)
    arm("")
    rebuilds = Rebuilds(world.rebuilder(), world.clock, world.rng)
    await hurried(world, rebuilds.resume())
    last = (await hurried(world, followed(rebuilds)))[-1]
    assert last.stage in (RebuildStage.DONE, RebuildStage.NONE)
    assert await collection(world) == "memory_n1"
    assert await world.store.spare() == []
    assert await dump(world.store) == before


class Slow(Rebuilder):
    """Takes its time to see what a run that was cut off left, and counts the runs at once."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.looked = asyncio.Event()
        self.running = self.most = 0

    async def tidy(self) -> bool:
        is_begun = await super().tidy()
        await self.looked.wait()
        return is_begun

    async def run(self) -> AsyncGenerator[RebuildProgress, None]:
        self.running += 1
        self.most = max(self.most, self.running)
        async for progress in super().run():
            yield progress
        self.running -= 1


async def test_one_called_for_while_a_cut_off_one_is_looked_for_is_the_only_one(world: World) -> None:
    half = await world.store.shadow("n1")
    await half.adopt(MODEL)
    slow = world.rebuilder(Slow)
    assert isinstance(slow, Slow)
    rebuilds = Rebuilds(slow, world.clock, world.rng)
    resuming = asyncio.create_task(rebuilds.resume())
    watching = asyncio.create_task(followed(rebuilds, begin=True))
    await elapse(world, 0.25)
    slow.looked.set()
    await resuming
    assert (await hurried(world, awaited(watching)))[-1].stage is RebuildStage.DONE
    assert slow.most == 1


async def test_two_processes_may_do_it_at_once(world: World) -> None:
    before = await dump(world.store)
    twin = world.store.twin()
    await twin.open()
    other = World(twin, world.clock)
    other.use(world.bus)

    async def both() -> None:
        await asyncio.gather(drained(world.rebuilder()), drained(other.rebuilder()))

    # The clock moves until the slower one is done, too.
    await hurried(world, both())
    assert await world.store.spare() == []
    assert await dump(world.store) == before


async def test_a_log_that_lost_documents_does_not_take_over(world: World) -> None:
    before = await dump(world.store)
    await world.take_away(DocumentKey("acme", "d8"), 0)
    await world.compact()
    with pytest.raises(Permanent) as refused:
        await ended(world)
    assert refused.value.reason == "INCOMPLETE_LOG"
    assert (await collection(world), await world.store.spare()) == ("memory", [])
    assert await dump(world.store) == before


async def test_what_cannot_be_applied_is_left_out_and_counted(world: World) -> None:
    key = DocumentKey("acme", "odd")
    (part,) = await world.accept(key, 1, "apple")
    bad = replace(part, vectors=(b"abc",))
    await world.send_part(key, bad)
    assert (await ended(world))[-1].passed_over == 1


async def test_the_store_may_be_away_for_a_while(world: World) -> None:
    before = await dump(world.store)
    rebuilds = Rebuilds(world.rebuilder(), world.clock, world.rng)
    following = asyncio.create_task(followed(rebuilds, begin=True))
    await world.clock.sleep(0)
    await world.store.close()
    await elapse(world, 30.0)
    await world.store.open()
    seen = await hurried(world, awaited(following))
    assert seen[-1].stage is RebuildStage.DONE
    assert await dump(world.store) == before


async def test_who_comes_later_joins_and_who_leaves_ends_nothing(world: World) -> None:
    rebuilds = Rebuilds(world.rebuilder(), world.clock, world.rng)
    assert [progress.stage for progress in await followed(rebuilds)] == [RebuildStage.NONE]
    leaving = asyncio.create_task(followed(rebuilds, begin=True))
    await elapse(world, 0.1)
    leaving.cancel()
    first, second = followed(rebuilds, begin=True), followed(rebuilds)
    seen = await hurried(world, both(first, second))
    assert {one[-1].collection for one in seen} == {"memory_n1"}
    assert (await followed(rebuilds))[-1].stage is RebuildStage.DONE


async def test_a_failure_is_told_and_another_try_is_free(world: World) -> None:
    empty = World(MemoryStore(), world.clock)
    await empty.open()
    rebuilds = Rebuilds(empty.rebuilder(), empty.clock, empty.rng)
    last = (await hurried(empty, followed(rebuilds, begin=True)))[-1]
    assert (last.stage, last.reason) == (
        RebuildStage.FAILED, "there is nothing to make anew: the store has no collection yet"
    )  # fmt: skip
    await empty.write("a", 1, "apple")
    assert (await hurried(empty, followed(rebuilds, begin=True)))[-1].stage is RebuildStage.DONE
    await rebuilds.stop(Deadline.after(empty.clock, 1.0))


@pytest.mark.parametrize(
    ("served", "spare", "expected"),
    [
        ("headwater_0a1b2c3d", [], ("n1", (), False)),
        ("headwater_0a1b2c3d", ["headwater_0a1b2c3d_n1"], ("n1", (), True)),
        ("headwater_0a1b2c3d_n1", ["headwater_0a1b2c3d"], ("n2", ("headwater_0a1b2c3d",), False)),
        ("x_n9", ["x_n10", "x_n2", "x"], ("n10", ("x_n2", "x"), True)),
        ("x_n2", ["x_n3", "x_n4"], ("n4", ("x_n3",), True)),
    ],
)
def test_names_tell_what_is_to_be_done(
    served: str, spare: list[str], expected: tuple[str, tuple[str, ...], bool]
) -> None:
    todo = plan(served, spare)
    assert (todo.label, todo.leftovers, todo.is_begun) == expected


class Died(BaseException):
    """Stands for the end of the process."""


def die() -> None:
    raise Died


async def drained(rebuilder: Rebuilder) -> None:
    async for _ in rebuilder.run():
        pass


async def followed(rebuilds: Rebuilds, *, begin: bool = False) -> list[RebuildProgress]:
    return [progress async for progress in rebuilds.follow(begin=begin)]


async def awaited(task: asyncio.Task[Result]) -> Result:
    return await task


async def both(*work: Coroutine[None, None, Result]) -> list[Result]:
    return await asyncio.gather(*work)
