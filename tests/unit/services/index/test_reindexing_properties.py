"""Whatever is edited, wished and killed, in whatever order: searches are whole, fresh and by one model, and it ends."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import numpy as np
import pytest
from headwater_index.adapters.memory import vector_of
from headwater_kit.core.crash import POINTS, arm
from headwater_kit.core.documents import DocumentKey, embedding_text
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import DocumentEmbedded
from headwater_kit.core.reindexes import ReindexStage
from headwater_kit.testing.clock import ManualClock
from headwater_text.analysis import analyse
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import Model, Query
from headwater_vectors.testing.samples import MODEL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.services.index.world import GRACE_SECONDS, World

# As long as each other: nothing but the name of the model keeps their vectors apart.
NEXT = Model("next-model", MODEL.dimension)
DOCUMENTS = 5
CRASHES = sorted(name for name in POINTS if name.startswith(("index.reindex_", "vectors.switch")))

actions = st.one_of(
    st.tuples(st.just("edit"), st.integers(0, DOCUMENTS - 1), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0, 6.0])),
    st.tuples(st.just("change"), st.booleans()),
    st.tuples(st.sampled_from(["begin", "cancel", "kill"])),
    st.tuples(st.just("crash"), st.sampled_from(CRASHES)),
)


Script = list[tuple[object, ...]]


class Died(BaseException):
    """Stands for the end of the process."""


def die() -> None:
    raise Died


class Story:
    """A world, the process that leads, and what was promised to searches."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.world = World(MemoryStore(pause=lambda: self.clock.sleep(0.01)), self.clock)
        self.world.encoder.models[NEXT.model_id] = NEXT
        self.world.encoder.models[MODEL.model_id] = MODEL
        self.reindexes = self.world.reindexes()
        self.lead: asyncio.Task[None] | None = None
        self.version = 0
        self.promised: dict[str, int] = {}
        self.deleted: set[str] = set()
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        await self.world.open()
        for number in range(DOCUMENTS):
            await self.moving(self.edit(number, 2))

    async def edit(self, number: int, texts: int) -> None:
        """A version on its whole way, as embed sends it that knows of one model only."""
        self.version += 1
        name, version = f"d{number}", self.version
        words = [f"apple {number} {version} {n}" for n in range(texts)]
        key = DocumentKey("acme", name)
        for part in await self.world.accept(key, version, *words):
            await self.apply(key, part)
        self.promised[name] = max(version, self.promised.get(name, 0))

    async def apply(self, key: DocumentKey, part: DocumentEmbedded) -> None:
        """As the loop does: what dies on the way is delivered again."""
        try:
            await self.world.apply(key, part)
        except Died:
            arm("")
            await self.world.apply(key, part)

    async def do(self, action: tuple[object, ...]) -> None:
        match action:
            case ("edit", int(number), int(texts)):
                self.tasks.append(asyncio.create_task(self.edit(number, texts)))
            case ("wait", float(seconds)):
                await self.elapse(seconds)
            case ("change", bool(is_awaited)):
                await self.change(is_awaited=is_awaited)
            case ("kill",):
                await self.kill()
            case ("crash", str(point)):
                arm(f"{point}:1", crash=die)
            case (str(verb),):
                self.tasks.append(asyncio.create_task(self.wish(verb)))
        await self.elapse(0.5)

    async def change(self, *, is_awaited: bool) -> None:
        """Serves the other collection, or at least wishes it."""
        report = self.world.desk.book.report
        verb = "rollback" if report is not None and report.stage is ReindexStage.PROMOTED else "promote"
        wishing = asyncio.create_task(self.wish(verb))
        self.tasks.append(wishing)
        for _ in range(40):
            if wishing.done() or not is_awaited:
                break
            await self.elapse(0.5)

    async def wish(self, verb: str) -> None:
        with suppress(HeadwaterError):
            match verb:
                case "begin":
                    found = await self.world.store.collection()
                    assert found is not None
                    other = NEXT if found[1] == MODEL else MODEL
                    async for _ in self.reindexes.follow(other.model_id):
                        pass
                case "promote":
                    await self.reindexes.promote(below_gate=True)
                case "rollback":
                    await self.reindexes.rollback()
                case _:
                    await self.reindexes.cancel()

    async def kill(self) -> None:
        if self.lead is not None:
            self.lead.cancel()
            await asyncio.wait([self.lead])

    async def elapse(self, seconds: float) -> None:
        for _ in range(max(1, int(seconds / 0.5))):
            if self.lead is None or self.lead.done():
                self._see_off()
                self.lead = asyncio.create_task(self.world.reindexer().run())
            await self.clock.advance(0.5)
            await asyncio.to_thread(lambda: None)
            await self.moving(self.check())

    def _see_off(self) -> None:
        if self.lead is not None and not self.lead.cancelled():
            error = self.lead.exception()
            if isinstance(error, BaseExceptionGroup):
                (error,) = error.exceptions
            assert error is None or isinstance(error, Died | HeadwaterError), error
            if isinstance(error, Died):
                arm("")

    async def moving(self, work: Awaitable[None]) -> None:
        """Moves the clock until the work is done."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await self.clock.advance(0.01)
        task.result()

    async def check(self) -> None:
        """A search as retrieve does it."""
        promised = dict(self.promised)
        found = await self.world.store.collection()
        assert found is not None
        model = found[1]
        asked = vector_of("apple", model)
        legs = await self.world.store.search(Query("acme", asked, analyse("apple"), 1_000, model_id=model.model_id))
        shown: dict[str, set[int]] = {}
        for hit in legs.dense:
            passage = hit.passage
            shown.setdefault(passage.document_id, set()).add(passage.version)
            stored = vector_of(
                embedding_text(passage.info.title, passage.chunk.heading_path, passage.chunk.text), model
            )
            cosine = float(np.frombuffer(asked, "<f4") @ np.frombuffer(stored, "<f4"))
            assert hit.score == pytest.approx(cosine, abs=1e-5), "a vector of another model"
        for name, versions in shown.items():
            assert len(versions) == 1, "two versions of one document"
            assert max(versions) >= promised.get(name, 0), "older than what was announced"

    async def settled(self) -> None:
        """Until both collections are whole, or it is over."""
        for _ in range(60):
            report = self.world.desk.book.report
            if report is not None and (report.stage.is_settled or report.stage.is_over):
                break
            await self.elapse(0.5)

    async def end(self) -> None:
        """Whatever it was at, it comes to an end, and the index is what the log says."""
        arm("")
        for _ in range(40):
            book = self.world.desk.book
            if not book.is_under_way:
                break
            if book.report is not None and book.report.stage is not ReindexStage.PROMOTED:
                self.tasks.append(asyncio.create_task(self.wish("cancel")))
            await self.elapse(3.0)
            if book.report is not None and book.report.stage is ReindexStage.PROMOTED:
                await self.clock.advance(GRACE_SECONDS)
        assert not self.world.desk.book.is_under_way
        await self.elapse(2.0)
        assert all(task.done() for task in self.tasks)
        for task in self.tasks:
            task.result()
        assert await self.world.store.spare() == []
        comparing = asyncio.ensure_future(self.world.compare())
        while not comparing.done():
            await self.clock.advance(0.05)
            await asyncio.to_thread(lambda: None)
        assert {tenant: drift.counts for tenant, drift in comparing.result().items()} == {"acme": {}}
        await self.kill()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, max_size=6), st.lists(actions, max_size=16))
def test_searches_never_notice(early: Script, later: Script) -> None:
    async def scenario() -> None:
        story = Story()
        await story.begin()
        await story.do(("begin",))
        for action in early:
            await story.do(action)
        await story.settled()
        for action in later:
            await story.do(action)
        await story.end()

    try:
        asyncio.run(scenario())
    finally:
        arm("")
