from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

import pytest
from headwater_embed.adapters.engine import BatchedEngine, new_queue
from headwater_embed.adapters.lru import LruCache
from headwater_embed.domain import Embedding
from headwater_embed.handlers import Embedder
from headwater_embed.ports import Engine
from headwater_inference.batcher import BatchPolicy
from headwater_inference.ports import Lane, ModelCard, WhenFull
from headwater_inference.registry import builtin
from headwater_inference.store import ModelStore
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import NotFound
from headwater_kit.testing.clock import ManualClock

PART_SECONDS = 240.0


class Watched:
    """An engine that notes what it is asked."""

    def __init__(self, engine: BatchedEngine) -> None:
        self._engine = engine
        self.asked: list[tuple[Sequence[str], Lane, WhenFull]] = []

    @property
    def card(self) -> ModelCard:
        return self._engine.card

    async def embed(
        self, texts: Sequence[str], lane: Lane, when_full: WhenFull, deadline: Deadline
    ) -> Sequence[Embedding]:
        self.asked.append((texts, lane, when_full))
        return await self._engine.embed(texts, lane, when_full, deadline)


class Only:
    """The one engine there is."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def engine(self, model_id: str) -> Engine:
        if model_id not in ("", self._engine.card.model_id):
            raise NotFound(f"not {model_id}, but {self._engine.card.model_id}")
        return self._engine

    def serve(self, live: str, others: Collection[str] = ()) -> None:
        raise NotImplementedError

    def known(self) -> Sequence[tuple[ModelCard, bool]]:
        return [(self._engine.card, True)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def engine(tmp_path: Path, clock: ManualClock) -> AsyncIterator[BatchedEngine]:
    queue = new_queue(BatchPolicy(workers=2), clock)
    engine = BatchedEngine(builtin().get("hash-words"), ModelStore(tmp_path), queue, clock)
    await engine.start()
    yield engine
    await queue.close(Deadline.after(clock, 5.0))
    engine.stop()


@pytest.fixture
def watched(engine: BatchedEngine) -> Watched:
    return Watched(engine)


@pytest.fixture
def embedder(watched: Watched, clock: ManualClock) -> Embedder:
    return Embedder(Only(watched), LruCache(1024 * 1024), clock, part_seconds=PART_SECONDS)
