"""Reranking: bad input, a model that is loaded when first asked for, and the queue that it shares."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from headwater_embed.adapters.engine import Queue, new_queue
from headwater_embed.adapters.reranking import BatchedReranker
from headwater_embed.handlers import MAX_PASSAGES, Reranking
from headwater_inference.batcher import BatchPolicy
from headwater_inference.registry import builtin
from headwater_inference.store import ModelStore
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import InvalidInput, NotFound, Unavailable
from headwater_kit.testing.clock import ManualClock


def soon(clock: ManualClock) -> Deadline:
    return Deadline.after(clock, 5.0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def queue(clock: ManualClock) -> AsyncIterator[Queue]:
    queue = new_queue(BatchPolicy(workers=2), clock)
    yield queue
    await queue.close(soon(clock))


@pytest.fixture
async def engine(tmp_path: Path, clock: ManualClock, queue: Queue) -> BatchedReranker:
    spec = builtin().get("hash-overlap")
    return BatchedReranker(spec, ModelStore(tmp_path), queue, clock=clock, rng=random.Random(1))


async def loaded(engine: BatchedReranker, clock: ManualClock) -> None:
    """Asks until the model is there."""
    async with asyncio.timeout(5.0):
        while True:
            try:
                await engine.score("q", ["p"], soon(clock))
            except Unavailable:
                await asyncio.sleep(0)
            else:
                return


async def test_the_first_call_loads_it_and_later_ones_are_answered(engine: BatchedReranker, clock: ManualClock) -> None:
    await engine.start()
    await engine.check()
    with pytest.raises(Unavailable, match="not loaded"):
        await engine.score("list growth", ["a list"], soon(clock))
    await loaded(engine, clock)
    scores = await engine.score("list growth", ["a list", "growth of a list", "neither " * 1_000], soon(clock))
    assert scores == pytest.approx([0.5, 1.0, 0.0])


async def test_once_stopped_it_says_so(engine: BatchedReranker, clock: ManualClock) -> None:
    await loaded(engine, clock)
    await engine.stop(soon(clock))
    with pytest.raises(Unavailable):
        await engine.score("q", ["p"], soon(clock))


@pytest.mark.parametrize(
    ("query", "passages", "field", "reason"),
    [
        (" ", ["p"], "query", "EMPTY_TEXT"),
        ("q" * 8_193, ["p"], "query", "TOO_LARGE"),
        ("q", [], "passages", "TEXT_COUNT"),
        ("q", ["p"] * (MAX_PASSAGES + 1), "passages", "TEXT_COUNT"),
        ("q", ["p", "p" * 100_001], "passages[1]", "TOO_LARGE"),
    ],
)
async def test_bad_input_names_the_field(
    engine: BatchedReranker, clock: ManualClock, query: str, passages: list[str], field: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await Reranking(engine).rerank(query, passages, soon(clock))
    assert (refused.value.field, refused.value.reason) == (field, reason)


async def test_without_a_model_there_is_none(clock: ManualClock) -> None:
    with pytest.raises(NotFound, match="HEADWATER_RERANKER"):
        await Reranking(None).rerank("q", ["p"], soon(clock))


async def test_scores_come_with_the_model_that_made_them(engine: BatchedReranker, clock: ManualClock) -> None:
    await loaded(engine, clock)
    reranked = await Reranking(engine).rerank("list", ["a list", "none"], soon(clock))
    assert reranked.model_id == builtin().get("hash-overlap").model_id
    assert reranked.scores == pytest.approx((1.0, 0.0))
