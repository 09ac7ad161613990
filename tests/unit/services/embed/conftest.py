from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from headwater_embed.adapters.engine import BatchedEngine
from headwater_embed.adapters.lru import LruCache
from headwater_embed.domain import Embedding
from headwater_embed.handlers import Embedder
from headwater_inference.batcher import BatchPolicy
from headwater_inference.ports import Lane, ModelCard, WhenFull
from headwater_inference.registry import builtin
from headwater_inference.store import ModelStore
from headwater_kit.core.deadline import Deadline
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


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def engine(tmp_path: Path, clock: ManualClock) -> AsyncIterator[BatchedEngine]:
    engine = BatchedEngine(builtin().get("hash-words"), ModelStore(tmp_path), BatchPolicy(workers=2), clock)
    await engine.start()
    yield engine
    await engine.stop(Deadline.after(clock, 5.0))


@pytest.fixture
def watched(engine: BatchedEngine) -> Watched:
    return Watched(engine)


@pytest.fixture
def embedder(watched: Watched, clock: ManualClock) -> Embedder:
    return Embedder(watched, LruCache(1024 * 1024), clock, part_seconds=PART_SECONDS)
