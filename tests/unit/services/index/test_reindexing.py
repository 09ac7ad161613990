"""Changing to another model, over the in-memory log and store."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest
from headwater_index.adapters.memory import vector_of
from headwater_index.handlers.reindexes import Reindexes
from headwater_kit.core.crash import POINTS, arm
from headwater_kit.core.documents import DocumentKey, Lane, embedding_text
from headwater_kit.core.errors import InvalidInput, NotFound, Permanent, Unavailable
from headwater_kit.core.reindexes import (
    JudgedQuery,
    ReindexJudged,
    ReindexStage,
    ReindexStatus,
    ReindexTarget,
    ReindexWished,
)
from headwater_kit.testing.clock import ManualClock
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import Model, ModelChanged, Query
from headwater_vectors.testing.samples import MODEL
from unit.services.index.world import GRACE_SECONDS, World, dump

NEXT = Model("next-model", 16)
Result = TypeVar("Result")
CRASHES = sorted(name for name in POINTS if name.startswith("index.reindex_") and name != "index.reindex_cancelled")


@pytest.fixture
async def world() -> World:
    world = World(MemoryStore(), ManualClock())
    await world.open()
    world.encoder.models[NEXT.model_id] = NEXT
    for number in range(70):
        await world.write(f"d{number}", 1, "apple", f"pear {number}", "plum")
    await world.write("edited", 1, "one", "two", "three", "four", "five")
    await world.write("edited", 2, "six")
    await world.write("gone", 1, "apple", lane=Lane.BACKFILL)
    await world.write("gone", 2)
    await world.write("bulk", 1, "apple", "pear", "plum", lane=Lane.BACKFILL)
    await world.write("theirs", 4, "apple", tenant="other")
    return world


class Lead:
    """The process that leads: runs the reindexer again and again, as `adapters.reindexing` does; may die."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._task: asyncio.Task[None] | None = None
        self.deaths = 0

    async def turn(self) -> None:
        """To be called often."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._world.reindexer().run())
        elif self._task.done():
            error = self._task.exception()
            if isinstance(error, BaseExceptionGroup):
                (error,) = error.exceptions
            if error is not None and not isinstance(error, Died):
                raise error
            self.deaths += error is not None
            self._task = None

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


@pytest.fixture
async def lead(world: World) -> Lead:
    return Lead(world)


class Died(BaseException):
    """Stands for the end of the process."""


def die() -> None:
    raise Died


async def elapse(world: World, seconds: float) -> None:
    assert isinstance(world.clock, ManualClock)
    await world.clock.advance(seconds)
    await asyncio.to_thread(lambda: None)


async def hurried(
    world: World,
    lead: Lead,
    work: Coroutine[None, None, Result],
    live: Callable[[], Awaitable[None]] | None = None,
) -> Result:
    """Moves the clock until the work is done."""
    task = asyncio.ensure_future(work)
    for _ in range(2_000):
        if task.done():
            return task.result()
        await lead.turn()
        await elapse(world, 0.25)
        if live is not None:
            await live()
    raise AssertionError(f"it did not end: {world.desk.book.report}")


async def begun(reindexes: Reindexes, model: str = NEXT.model_id) -> list[ReindexStatus]:
    return [status async for status in reindexes.follow(model)]


async def collection(world: World) -> tuple[str, Model] | None:
    return await world.store.collection()


async def rows_by(world: World, store: MemoryStore, model: Model) -> None:
    """All rows have this model's vectors of their texts, and are those that the log tells of."""
    held = store._tables.rows.values()
    assert held
    for row in held:
        text = embedding_text(row.info.title, row.chunk.heading_path, row.chunk.text)
        assert row.vector == vector_of(text, model)
    compared = World(store)
    compared.use(world.bus)
    assert {drift.drift for drift in (await compared.compare()).values()} == {0}


def stages(world: World) -> list[ReindexStage]:
    return [stage for stage, _ in itertools.groupby(world.desk.reports, key=lambda report: report.stage)]


async def test_all_of_it_is_embedded_anew_while_searches_stay_where_they_are(world: World, lead: Lead) -> None:
    before = await dump(world.store)
    reindexes = world.reindexes()
    seen = await hurried(world, lead, begun(reindexes))
    last = seen[-1].report
    assert last is not None
    assert (last.stage, last.done == last.total > 70, last.passed_over) == (ReindexStage.READY, True, 0)
    assert (last.incumbent.collection, last.challenger.collection) == ("memory", "memory_n1")
    assert await collection(world) == ("memory", MODEL)
    assert await dump(world.store) == before
    shadow = await world.store.shadow("n1")
    assert await dump(shadow) == before
    await rows_by(world, shadow, NEXT)
    await lead.end()


async def test_promote_rollback_and_drop(world: World, lead: Lead) -> None:
    before = await dump(world.store)
    reindexes = world.reindexes()
    await hurried(world, lead, begun(reindexes))
    with pytest.raises(Permanent) as refused:
        await reindexes.promote(below_gate=False)
    assert refused.value.reason == "BELOW_GATE"
    await hurried(world, lead, reindexes.promote(below_gate=True))
    assert await collection(world) == ("memory_n1", NEXT)
    with pytest.raises(ModelChanged):
        await world.store.search(Query("acme", vector_of("apple", MODEL), model_id=MODEL.model_id))
    await world.write("late", 1, "fig")
    await world.write("edited", 3, "seven")
    await hurried(world, lead, reindexes.rollback())
    assert await collection(world) == ("memory", MODEL)
    with pytest.raises(Permanent):
        await reindexes.promote(below_gate=False)
    await world.write("later", 1, "fig")
    await hurried(world, lead, reindexes.promote(below_gate=True))
    report = world.desk.book.report
    assert report is not None
    assert report.drop_time is not None
    assert report.drop_time > world.clock.now() + GRACE_SECONDS - 60
    with pytest.raises(Permanent):
        await reindexes.cancel()
    await elapse(world, GRACE_SECONDS)
    await hurried(world, lead, over(world))
    assert stages(world)[-1] is ReindexStage.DONE
    assert (await collection(world), await world.store.spare()) == (("memory_n1", NEXT), [])
    assert len((await dump(world.store))[0]) == len(before[0]) + 2
    assert isinstance(world.store, MemoryStore)
    await rows_by(world, world.store, NEXT)
    with pytest.raises(Permanent):
        await reindexes.rollback()
    await lead.end()


async def over(world: World) -> None:
    while world.desk.book.is_under_way:
        await world.clock.sleep(0.25)


async def test_writes_wait_until_everyone_has_noticed_and_none_is_lost(world: World, lead: Lead) -> None:
    reindexes = world.reindexes()
    await hurried(world, lead, begun(reindexes))
    announced: list[float] = []
    writing: list[asyncio.Task[None]] = []

    async def write(number: int) -> None:
        await world.write(f"w{number}", 1, "fig")
        announced.append(world.clock.monotonic())

    async def live() -> None:
        writing.append(asyncio.create_task(write(len(writing))))

    await hurried(world, lead, world.clock.sleep(1.0), live)
    await hurried(world, lead, reindexes.promote(below_gate=True), live)
    await asyncio.gather(*writing)
    gaps = [later - earlier for earlier, later in itertools.pairwise(announced)]
    assert 1.0 <= max(gaps) < 2.0
    await hurried(world, lead, world.clock.sleep(2.0))
    for store in (world.store, await world.store.shadow("was1")):
        held = {row.key.document_id async for page in store.ledger_rows() for row in page}
        assert held >= {f"w{number}" for number in range(len(writing))}
    await lead.end()


async def test_a_rebuild_and_another_reindex_follow(world: World, lead: Lead) -> None:
    """After a promotion the log has parts by both models, and any collection can be made of it."""
    reindexes = world.reindexes()
    await hurried(world, lead, begun(reindexes))
    await hurried(world, lead, reindexes.promote(below_gate=True))
    with pytest.raises(Permanent) as refused:
        await drained(world)
    assert refused.value.reason == "REINDEXING"
    await elapse(world, GRACE_SECONDS)
    await hurried(world, lead, over(world))
    await hurried(world, lead, drained(world))
    assert await collection(world) == ("memory_n2", NEXT)
    assert isinstance(world.store, MemoryStore)
    await rows_by(world, world.store, NEXT)
    seen = await hurried(world, lead, begun(reindexes, MODEL.model_id))
    assert seen[-1].report is not None
    assert seen[-1].report.challenger.collection == "memory_n3"
    await rows_by(world, await world.store.shadow("n3"), MODEL)
    await lead.end()


async def drained(world: World) -> None:
    async for _ in world.rebuilder().run():
        pass


async def test_it_may_be_cancelled_and_begun_again(world: World, lead: Lead) -> None:
    reindexes = world.reindexes()
    await hurried(world, lead, begun(reindexes))
    await hurried(world, lead, reindexes.cancel())
    assert (await collection(world), await world.store.spare()) == (("memory", MODEL), [])
    with pytest.raises(Permanent):
        await reindexes.cancel()
    seen = await hurried(world, lead, begun(reindexes))
    assert seen[-1].report is not None
    assert seen[-1].report.stage is ReindexStage.READY
    await lead.end()


async def test_what_cannot_be_begun_is_said(world: World, lead: Lead) -> None:
    reindexes = world.reindexes()
    with pytest.raises(NotFound):
        await begun(reindexes, "unheard-of")
    with pytest.raises(InvalidInput):
        await begun(reindexes, MODEL.model_id)
    world.encoder.models["third"] = Model("third", 8)
    beginning = asyncio.ensure_future(begun(reindexes))
    await asyncio.sleep(0)
    with pytest.raises(Permanent) as busy:
        await begun(reindexes, "third")
    assert busy.value.reason == "BUSY"
    await hurried(world, lead, asyncio.wait_for(beginning, 60))
    await lead.end()


async def test_of_two_that_begin_at_the_same_moment_one_is_told(world: World, lead: Lead) -> None:
    first, target = asyncio.ensure_future(begun(world.reindexes())), ReindexTarget.READY
    await asyncio.sleep(0)
    await world.desk.write(ReindexWished("another", target, NEXT.model_id, NEXT.dimension, 1.0))
    with pytest.raises(Permanent) as busy:
        await hurried(world, lead, asyncio.wait_for(first, 60))
    assert busy.value.reason == "BUSY"
    await lead.end()


async def test_a_page_is_embedded_in_one_call(world: World, lead: Lead) -> None:
    await hurried(world, lead, begun(world.reindexes()))
    # Of the log's pages of 64 parts in two topics; more only where a version was still under way.
    assert world.encoder.calls < 6
    await lead.end()


async def test_a_log_that_lost_documents_gives_up(world: World, lead: Lead) -> None:
    await world.take_away(DocumentKey("acme", "d8"), 0)
    await world.compact()
    seen = await hurried(world, lead, begun(world.reindexes()))
    last = seen[-1].report
    assert last is not None
    assert (last.stage, "1 documents" in last.reason) == (ReindexStage.FAILED, True)
    assert (await collection(world), await world.store.spare()) == (("memory", MODEL), [])
    await lead.end()


async def test_embed_may_be_away_for_a_while(world: World, lead: Lead) -> None:
    world.encoder.away = True
    with pytest.raises(Unavailable):
        await begun(world.reindexes())
    world.encoder.away = False
    beginning = asyncio.ensure_future(begun(world.reindexes()))
    await asyncio.sleep(0)
    world.encoder.away = True
    for _ in range(20):
        await lead.turn()
        await elapse(world, 1.0)
    world.encoder.away = False
    seen = await hurried(world, lead, asyncio.wait_for(beginning, 60))
    assert seen[-1].report is not None
    assert (seen[-1].report.stage, seen[-1].report.passed_over) == (ReindexStage.READY, 0)
    await lead.end()


@pytest.mark.parametrize("point", CRASHES)
async def test_a_crash_at_any_point_is_made_good(world: World, lead: Lead, point: str) -> None:
    reindexes = world.reindexes()
    arm(f"{point}:1", crash=die)
    await hurried(world, lead, begun(reindexes))
    await hurried(world, lead, reindexes.promote(below_gate=True))
    await elapse(world, GRACE_SECONDS)
    await hurried(world, lead, over(world))
    arm("")
    assert lead.deaths == 1
    assert (await collection(world), await world.store.spare()) == (("memory_n1", NEXT), [])
    assert stages(world)[-1] is ReindexStage.DONE
    assert isinstance(world.store, MemoryStore)
    await rows_by(world, world.store, NEXT)
    await lead.end()


async def test_a_crash_while_it_is_cancelled_is_made_good(world: World, lead: Lead) -> None:
    reindexes = world.reindexes()
    await hurried(world, lead, begun(reindexes))
    arm("index.reindex_cancelled:1", crash=die)
    await hurried(world, lead, reindexes.cancel())
    arm("")
    assert lead.deaths == 1
    assert (await collection(world), await world.store.spare()) == (("memory", MODEL), [])
    await lead.end()


async def test_what_a_run_embedded_the_next_one_does_not_embed_again(world: World, lead: Lead) -> None:
    chunks = len((await dump(world.store))[0])
    arm("index.reindex_embedded:1", crash=die)
    await hurried(world, lead, begun(world.reindexes()))
    arm("")
    assert lead.deaths == 1
    # Nor anything that was superseded by then, though the log still has it.
    assert world.encoder.texts == chunks
    await lead.end()


async def test_recent_queries_judge_it(world: World, lead: Lead) -> None:
    world.asked.queries = [JudgedQuery("acme", f"pear {number}") for number in range(30)]
    reindexes = world.reindexes()
    await hurried(world, lead, begun(reindexes))
    await elapse(world, 1.0)
    await lead.turn()
    await elapse(world, 1.0)
    judgement = reindexes.status().judgement
    assert judgement is not None
    assert (judgement.queries, judgement.judged) == (30, 0)
    assert 0.0 <= judgement.agreement <= 1.0
    relevant = [replace(query, relevant={f"d{n}": 1}) for n, query in enumerate(world.asked.queries)]
    judged = await reindexes.judge(relevant)
    assert judged.judgement is not None
    assert judged.judgement.judged == 30
    assert judged.judgement.challenger_ndcg > judged.judgement.incumbent_ndcg
    assert judged.judgement.passed
    await hurried(world, lead, reindexes.promote(below_gate=False))
    assert await collection(world) == ("memory_n1", NEXT)
    await lead.end()


async def test_what_an_operator_judged_meanwhile_stands(world: World, lead: Lead) -> None:
    world.asked.queries = [JudgedQuery("acme", f"pear {number}") for number in range(30)]
    own = ReindexJudged("reindex-1", 1.0, 1, 1.0, 0, 0.0, 0.0, True, "by an operator")
    answered = world.asked.last

    async def slow(limit: int) -> Sequence[JudgedQuery]:
        await world.desk.write(own)
        return await answered(limit)

    world.asked.last = slow  # type: ignore[method-assign]
    await hurried(world, lead, begun(world.reindexes()))
    for _ in range(4):
        await elapse(world, 1.0)
        await lead.turn()
    assert world.desk.book.status.judgement == own
    await lead.end()
