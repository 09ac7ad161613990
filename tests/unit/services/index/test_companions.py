"""Encoders that stand beside the served one, over the in-memory log and stores."""

import asyncio
from collections.abc import Callable

import pytest
from headwater_index.adapters.memory import InstantCompanionDesk, vector_of
from headwater_index.handlers.beside import Companions
from headwater_index.handlers.companions import Companion, CompanionKeeping
from headwater_kit.core.companions import CompanionReported, CompanionStage
from headwater_kit.core.crash import POINTS, arm
from headwater_kit.core.documents import DocumentKey, Lane, embedding_text
from headwater_kit.testing.clock import ManualClock
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import Model
from headwater_vectors.testing.samples import MODEL
from unit.services.index.world import World, dump

NAME = "other-encoder"
BESIDE = Model(NAME, 16)
CRASHES = sorted(name for name in POINTS if name.startswith("index.companion_") and name != "index.companion_dropped")


class Died(BaseException):
    """Stands for the end of the process."""


def die() -> None:
    raise Died


class Standing:
    """A world whose log a companion follows, and the process that leads, which may die."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.world = World(MemoryStore(), self.clock)
        self.world.encoder.models[BESIDE.model_id] = BESIDE
        self.store = MemoryStore()
        self.desk = InstantCompanionDesk()
        self.companion = Companion(NAME, self.store)
        self.deaths = 0
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self.world.open()
        await self.store.open()

    def keeping(self) -> CompanionKeeping:
        world = self.world
        return CompanionKeeping(
            self.companion, world.store, world.copies(), encoder=world.encoder, desk=self.desk, clock=self.clock
        )

    async def elapse(self, seconds: float) -> None:
        for _ in range(int(seconds / 0.25)):
            if self._task is None:
                self._task = asyncio.ensure_future(self.keeping().run())
            await self.clock.advance(0.25)
            await asyncio.to_thread(lambda: None)
            self._see_off()

    def _see_off(self) -> None:
        if self._task is None or not self._task.done():
            return
        error = self._task.exception()
        if isinstance(error, BaseExceptionGroup):
            (error,) = error.exceptions
        if not isinstance(error, Died):
            raise error or AssertionError("it goes on for ever")
        self.deaths += 1
        self._task = None

    async def until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(400):
            if is_so():
                return
            await self.elapse(0.25)
        raise AssertionError(f"it did not come to it: {self.report}")

    async def stop(self) -> None:
        """As where the lead is lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    @property
    def report(self) -> CompanionReported | None:
        return self.desk.report(NAME)

    def is_whole(self) -> bool:
        return self.report is not None and self.report.stage is CompanionStage.WHOLE

    async def in_step(self) -> None:
        """Once all is followed: the same rows and ledger as the served collection, by the other model."""
        await self.elapse(2.0)
        assert await dump(self.store) == await dump(self.world.store)
        for row in self.store._tables.rows.values():
            text = embedding_text(row.info.title, row.chunk.heading_path, row.chunk.text)
            assert row.vector == vector_of(text, BESIDE)


@pytest.fixture
async def standing() -> Standing:
    standing = Standing()
    await standing.open()
    world = standing.world
    for number in range(70):
        await world.write(f"d{number}", 1, "apple", f"pear {number}", "plum")
    await world.write("edited", 1, "one", "two", "three", "four", "five")
    await world.write("edited", 2, "six")
    await world.write("gone", 1, "apple", lane=Lane.BACKFILL)
    await world.write("gone", 2)
    await world.write("bulk", 1, "apple", "pear", "plum", lane=Lane.BACKFILL)
    await world.write("theirs", 4, "apple", tenant="other")
    return standing


async def test_a_filled_platform_fills_it_and_keeps_it_in_step(standing: Standing) -> None:
    await standing.until(standing.is_whole)
    await standing.in_step()
    world = standing.world
    await world.write("d0", 2, "changed", "much", "of", "it")
    await world.write("d1", 2)
    await world.write("new", 1, "fresh", lane=Lane.BACKFILL)
    await standing.in_step()
    report = standing.report
    assert report is not None
    assert (report.done, report.passed_over, report.model_id) == (report.total, 0, NAME)
    await standing.stop()


async def test_searches_see_nothing_of_it_before_it_is_whole(standing: Standing) -> None:
    seen = set()

    def is_whole() -> bool:
        seen.add((standing.store._tables.model, standing.is_whole()))
        return standing.is_whole()

    await standing.until(is_whole)
    assert (BESIDE, False) not in seen
    assert (None, False) in seen
    assert await standing.store.spare() == []
    await standing.stop()


@pytest.mark.parametrize("point", CRASHES)
async def test_it_is_made_good_wherever_it_is_cut_off(standing: Standing, point: str) -> None:
    arm(f"{point}:1", crash=die)
    try:
        await standing.until(lambda: standing.deaths > 0 or standing.is_whole())
        if not standing.deaths:
            await standing.world.write("d5", 2, "edited")
            await standing.until(lambda: standing.deaths > 0)
    finally:
        arm("")
    await standing.until(standing.is_whole)
    await standing.in_step()
    assert await standing.store.spare() == []
    await standing.stop()


async def test_whoever_goes_on_reads_no_more_than_what_came_since(standing: Standing) -> None:
    await standing.until(standing.is_whole)
    await standing.elapse(2.0)
    await standing.stop()
    await standing.world.write("d3", 2, "since then")
    texts = standing.world.encoder.texts
    pages: list[int] = []
    world, readings = standing.world, standing.world.copies().reading
    copies = world.copies()

    def reading(lane: Lane | None = None, start: object = None) -> object:
        pages.append(sum(dict(start or {}).values()))  # type: ignore[call-overload]
        return readings(lane, start)  # type: ignore[arg-type]

    copies.reading = reading  # type: ignore[assignment, method-assign]
    world.copies = lambda: copies  # type: ignore[method-assign]
    await standing.in_step()
    assert sum(pages) > 70
    assert standing.world.encoder.texts == texts + 1
    await standing.stop()


async def test_it_waits_for_an_encoder_that_is_away(standing: Standing) -> None:
    await standing.until(standing.is_whole)
    standing.world.encoder.away = True
    await standing.world.write("d7", 2, "while it was away")
    await standing.elapse(5.0)
    held = {row.key.document_id: row.version for row in (await dump(standing.store))[0]}
    assert held["d7"] == 1
    standing.world.encoder.away = False
    await standing.elapse(5.0)
    await standing.in_step()
    await standing.stop()


async def test_a_model_that_is_not_served_yet_is_waited_for(standing: Standing) -> None:
    await standing.until(standing.is_whole)
    del standing.world.encoder.models[NAME]
    await standing.world.write("d7", 2, "while it was not served")
    await standing.elapse(5.0)
    standing.world.encoder.models[NAME] = BESIDE
    await standing.elapse(5.0)
    await standing.in_step()
    await standing.stop()


@pytest.mark.parametrize(("name", "why"), [("unheard-of", "knows no model"), (MODEL.model_id, "by this model already")])
async def test_what_cannot_stand_beside_is_told_and_left(standing: Standing, name: str, why: str) -> None:
    standing.companion = Companion(name, standing.store)
    await standing.elapse(2.0)
    report = standing.desk.report(name)
    assert report is not None
    assert report.stage is CompanionStage.FAILED
    assert why in report.reason
    await standing.stop()


async def test_other_weights_of_the_same_name_take_its_place(standing: Standing) -> None:
    await standing.until(standing.is_whole)
    await standing.stop()
    other = Model("other-weights", 8)

    async def model(_: str) -> Model:
        return other

    standing.world.encoder.model = model  # type: ignore[assignment, method-assign]
    standing.world.encoder.models[other.model_id] = other
    await standing.until(lambda: standing.report is not None and standing.report.model_id == other.model_id)
    await standing.until(standing.is_whole)
    found = await standing.store.collection()
    assert found is not None
    assert found[1] == other
    assert await standing.store.spare() == []
    assert await dump(standing.store) == await dump(standing.world.store)
    await standing.stop()


async def test_what_the_log_does_not_hold_whole_is_not_served(standing: Standing) -> None:
    key = DocumentKey("acme", "half")
    parts = await standing.world.accept(key, 1, "one", "two", "three", "four", "five")
    for part in parts:
        await standing.world.apply(key, part)
    await standing.world.take_away(key, 1)
    await standing.world.compact()
    await standing.until(lambda: standing.report is not None and standing.report.stage is CompanionStage.FAILED)
    assert standing.report is not None
    assert "1 documents whole" in standing.report.reason
    assert (await standing.store.collection(), await standing.store.spare()) == (None, [])
    await standing.stop()


async def test_what_is_named_no_more_is_dropped_once(standing: Standing) -> None:
    await standing.until(standing.is_whole)
    await standing.stop()
    companions = Companions([], standing.desk, lambda _: standing.store)
    arm("index.companion_dropped:1", crash=die)
    with pytest.raises(Died):
        await companions.drop_unnamed()
    arm("")
    await companions.drop_unnamed()
    written = len(standing.desk.written)
    await companions.drop_unnamed()
    assert len(standing.desk.written) == written
    assert standing.report is not None
    assert standing.report.stage is CompanionStage.DROPPED
    await standing.store.open()
    assert await dump(standing.store) == ([], [])
    # Named again, it is filled again.
    await standing.until(standing.is_whole)
    await standing.in_step()
    await standing.stop()
