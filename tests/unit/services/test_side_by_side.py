"""Index keeps an encoder's collection beside the served one, retrieve searches both: whatever is edited and killed.

No list has two versions of a document, or one that was announced as replaced or
deleted, or another model's vector; and in the end both collections are the same.
"""

import asyncio
from collections.abc import Awaitable, Sequence

import numpy as np
import pytest
from headwater_index.adapters.memory import InstantCompanionDesk, vector_of
from headwater_index.handlers.companions import Companion as Kept
from headwater_index.handlers.companions import CompanionKeeping
from headwater_kit.core.companions import CompanionStage
from headwater_kit.core.crash import POINTS, arm
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Lane, embedding_text
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import DocumentEmbedded
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.adapters.memory import ListedScripts
from headwater_retrieve.domain.query import Query
from headwater_retrieve.handlers import Companion, Companions
from headwater_retrieve.ports import Legs, QueryVector, StoreQuery
from headwater_text.analysis import analyse
from headwater_vectors.memory import MemoryStore
from headwater_vectors.ports import LedgerRow, Model
from headwater_vectors.testing.samples import MODEL
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from unit.services.index.world import World, dump

BESIDE = Model("other-encoder", MODEL.dimension)
DOCUMENTS = 5
CRASHES = sorted(
    name for name in POINTS if name.startswith(("index.companion_", "vectors.switch")) and "dropped" not in name
)
Action = tuple[object, ...]

actions = st.one_of(
    st.tuples(st.just("edit"), st.integers(0, DOCUMENTS - 1), st.integers(0, 3), st.sampled_from(Lane)),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0])),
    st.tuples(st.just("kill")),
    st.tuples(st.just("away"), st.booleans()),
    st.tuples(st.just("crash"), st.sampled_from(CRASHES)),
)


class Died(BaseException):
    """Stands for the end of the process."""


def die() -> None:
    raise Died


class Asked:
    """`QueryEncoder` by the vectors that index's own gives."""

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        return QueryVector(vector_of(text, Model(model_id, MODEL.dimension)), model_id)

    encode_stored = encode


class Slow:
    """A reader whose searches and reads of the ledger take a moment, so that edits fall between them."""

    def __init__(self, store: MemoryStore, clock: ManualClock, seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self.collection, self.counts, self.passages = store.collection, store.counts, store.passages

    async def search(self, query: StoreQuery) -> Legs:
        await self._clock.sleep(self._seconds)
        return await self._store.search(query)

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        await self._clock.sleep(self._seconds)
        return await self._store.ledger(keys)


class Story:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.world = World(MemoryStore(pause=lambda: self.clock.sleep(0.01)), self.clock)
        self.world.encoder.models[BESIDE.model_id] = BESIDE
        self.store = MemoryStore(pause=lambda: self.clock.sleep(0.01))
        self.desk = InstantCompanionDesk()
        served, beside = Slow(self.world.store, self.clock, 0.02), Slow(self.store, self.clock, 0.03)
        self.reader = served
        self.companions = Companions(
            [Companion(BESIDE.model_id, beside)], Asked(), ListedScripts({}), served, clock=self.clock, seconds=2.0
        )
        self.lead: asyncio.Task[None] | None = None
        self.version = 0
        self.promised: dict[str, int] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.fused = 0

    async def begin(self) -> None:
        await self.world.open()
        await self.store.open()
        for number in range(DOCUMENTS):
            await self.moving(self.edit(number, 2, Lane.LIVE))

    async def edit(self, number: int, texts: int, lane: Lane) -> None:
        self.version += 1
        name, version = f"d{number}", self.version
        key, words = DocumentKey("acme", name), [f"apple {number} {version} {n}" for n in range(texts)]
        for part in await self.world.accept(key, version, *words, lane=lane):
            await self.apply(key, part)
        # What was deleted is gone for good: only a later version may be shown.
        self.promised[name] = max(version + (not texts), self.promised.get(name, 0))

    async def apply(self, key: DocumentKey, part: DocumentEmbedded) -> None:
        try:
            await self.world.apply(key, part)
        except Died:
            arm("")
            await self.world.apply(key, part)

    async def do(self, action: Action) -> None:
        match action:
            case ("edit", int(number), int(texts), Lane() as lane):
                self.tasks.append(asyncio.create_task(self.edit(number, texts, lane)))
            case ("wait", float(seconds)):
                await self.elapse(seconds)
            case ("away", bool(is_away)):
                self.world.encoder.away = is_away
            case ("crash", str(point)):
                arm(f"{point}:1", crash=die)
            case _ if self.lead is not None:
                self.lead.cancel()
                await asyncio.wait([self.lead])
        await self.elapse(0.5)

    async def elapse(self, seconds: float) -> None:
        for _ in range(max(1, int(seconds / 0.5))):
            if self.lead is None or self.lead.done():
                self._see_off()
                world, kept = self.world, Kept(BESIDE.model_id, self.store)
                keeping = CompanionKeeping(
                    kept, world.store, world.copies(), encoder=world.encoder, desk=self.desk, clock=self.clock
                )
                self.lead = asyncio.ensure_future(keeping.run())
            await self.clock.advance(0.5)
            await asyncio.to_thread(lambda: None)
            await self.moving(self.check())

    def _see_off(self) -> None:
        if self.lead is not None and not self.lead.cancelled():
            error = self.lead.exception()
            if isinstance(error, BaseExceptionGroup):
                (error,) = error.exceptions
            assert isinstance(error, Died | HeadwaterError), error
            if isinstance(error, Died):
                arm("")

    async def moving(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        while not task.done():
            await self.clock.advance(0.01)
        task.result()

    async def check(self) -> None:
        """A search as retrieve does it."""
        promised, deadline = dict(self.promised), Deadline.after(self.clock, 10.0)
        own = StoreQuery(
            "acme", vector_of("apple", MODEL), analyse("apple"), 1_000, model_id=MODEL.model_id, reads_as=()
        )
        (_, legs), beside = await self.companions.alongside(
            self._own(own),
            Query(text="apple"),
            lambda: StoreQuery("acme", terms=analyse("apple"), limit=1_000),
            deadline,
        )
        shown: dict[str, set[int]] = {}
        for hit in (*legs.dense, *legs.lexical, *(hit for each in beside.found for hit in each.hits)):
            shown.setdefault(hit.passage.document_id, set()).add(hit.passage.version)
        for name, versions in shown.items():
            assert len(versions) == 1, "two versions of one document"
            assert max(versions) >= promised.get(name, 0), "older than what was announced"
        asked = np.frombuffer(vector_of("apple", BESIDE), "<f4")
        for hit in (hit for each in beside.found for hit in each.hits):
            passage = hit.passage
            text = embedding_text(passage.info.title, passage.chunk.heading_path, passage.chunk.text)
            cosine = float(asked @ np.frombuffer(vector_of(text, BESIDE), "<f4"))
            assert hit.score == pytest.approx(cosine, abs=1e-5), "a vector of another model"
            self.fused += 1

    async def _own(self, query: StoreQuery) -> tuple[QueryVector | None, Legs]:
        return None, await self.reader.search(query)

    async def end(self) -> None:
        """Whatever it was at, it comes to be whole and in step."""
        arm("")
        self.world.encoder.away = False
        for _ in range(60):
            report = self.desk.report(BESIDE.model_id)
            is_whole = report is not None and report.stage is CompanionStage.WHOLE
            if is_whole and all(task.done() for task in self.tasks):
                break
            await self.elapse(1.0)
        await self.elapse(4.0)
        for task in self.tasks:
            task.result()
        assert await dump(self.store) == await dump(self.world.store)
        assert await self.store.spare() == []
        assert self.fused or all(version > self.version for version in self.promised.values())
        if self.lead is not None:
            self.lead.cancel()
            await asyncio.wait([self.lead])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(actions, max_size=6), st.lists(actions, max_size=12))
@example([], [("away", True), ("edit", 1, 2, Lane.LIVE), ("wait", 2.0), ("edit", 2, 0, Lane.LIVE), ("wait", 2.0)])
def test_searches_never_notice(early: Sequence[Action], later: Sequence[Action]) -> None:
    async def scenario() -> None:
        story = Story()
        await story.begin()
        for action in early:
            await story.do(action)
        await story.elapse(2.0)
        for action in later:
            await story.do(action)
        await story.end()

    try:
        asyncio.run(scenario())
    finally:
        arm("")
