"""Which models are served, and when."""

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from headwater_embed.adapters.engine import BatchedEngine, new_queue
from headwater_embed.adapters.engines import ServedEngines
from headwater_embed.domain import served_models
from headwater_embed.events import ReindexedModels
from headwater_inference.batcher import BatchPolicy
from headwater_inference.ports import Lane, WhenFull
from headwater_inference.registry import ModelSpec, builtin
from headwater_inference.store import ModelStore
from headwater_kit.bus.ports import Record
from headwater_kit.bus.reindexes import Said, outbound
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Misconfigured, NotFound, Unavailable
from headwater_kit.core.reindexes import ReindexReported, ReindexSide, ReindexStage, ReindexTarget, ReindexWished
from headwater_kit.testing.clock import ManualClock

FIRST = builtin().get("hash-words")
OTHER = dataclasses.replace(FIRST, name="other", dimension=16)
ADDED = dataclasses.replace(FIRST, name="added", dimension=24)
BROKEN = dataclasses.replace(FIRST, name="broken", kind="reranker", runtime="onnx")


class Slow(BatchedEngine):
    """Is loaded when it is allowed to be; fails to be as often as `failures` says."""

    allowed = asyncio.Event()
    failures = 0

    async def start(self) -> None:
        await Slow.allowed.wait()
        if Slow.failures:
            Slow.failures -= 1
            raise Unavailable("the weights cannot be fetched")
        await super().start()


@pytest.fixture
def told() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


class Registry:
    """The models there are, in a file that a user may write to."""

    def __init__(self) -> None:
        self.models = [FIRST, OTHER, BROKEN]
        self.is_broken = False

    def __call__(self) -> Sequence[ModelSpec]:
        if self.is_broken:
            raise Misconfigured("the file cannot be read")
        return self.models


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def beside() -> Sequence[ModelSpec]:
    return ()


@pytest.fixture
async def engines(
    tmp_path: Path, clock: ManualClock, told: asyncio.Event, registry: Registry, beside: Sequence[ModelSpec]
) -> AsyncIterator[ServedEngines]:
    queue = new_queue(BatchPolicy(), clock)
    Slow.allowed, Slow.failures = asyncio.Event(), 0

    def make(spec: ModelSpec) -> BatchedEngine:
        kind = BatchedEngine if spec is FIRST else Slow
        return kind(spec, ModelStore(tmp_path), queue, clock)

    engines = ServedEngines(
        FIRST, registry, make, queue, clock=clock, rng=random.Random(1), is_told=told.is_set, beside=beside
    )
    await engines.start()
    yield engines
    await engines.stop(Deadline.after(clock, 5.0))


async def embed(engines: ServedEngines, model_id: str, clock: ManualClock) -> int:
    made = await engines.engine(model_id).embed(["a"], Lane.LIVE, WhenFull.WAIT, Deadline.after(clock, 5.0))
    return len(made[0].vector) // 4


async def settled() -> None:
    for _ in range(5):
        await asyncio.to_thread(lambda: None)


async def test_a_model_is_served_once_it_is_named_and_loaded(engines: ServedEngines, clock: ManualClock) -> None:
    assert [(card.name, served) for card, served in engines.known()] == [
        ("hash-words", True), ("broken", False), ("other", False)
    ]  # fmt: skip
    with pytest.raises(NotFound, match=FIRST.model_id):
        engines.engine(OTHER.model_id)
    engines.serve("", [OTHER.model_id])
    with pytest.raises(Unavailable):
        await embed(engines, OTHER.model_id, clock)
    Slow.allowed.set()
    await settled()
    assert await embed(engines, OTHER.model_id, clock) == OTHER.dimension
    assert await embed(engines, "", clock) == FIRST.dimension
    await engines.check()
    engines.serve("")
    with pytest.raises(NotFound):
        engines.engine(OTHER.model_id)


async def test_health_tells_of_the_model_that_new_documents_need(engines: ServedEngines, clock: ManualClock) -> None:
    engines.serve(OTHER.model_id)
    with pytest.raises(NotFound):
        engines.engine(FIRST.model_id)
    with pytest.raises(Unavailable):
        await engines.check()
    Slow.failures = 1
    Slow.allowed.set()
    await settled()
    await clock.advance(60.0)
    await settled()
    await engines.check()
    assert await embed(engines, "", clock) == OTHER.dimension
    assert engines.known()[0][0] == OTHER.card


async def test_a_model_that_cannot_be_loaded_says_why(engines: ServedEngines, clock: ManualClock) -> None:
    Slow.allowed.set()
    engines.serve("", [BROKEN.model_id])
    await settled()
    with pytest.raises(Unavailable, match="cannot be loaded: broken is a reranker"):
        await embed(engines, BROKEN.model_id, clock)
    await engines.check()
    engines.serve(BROKEN.model_id)
    with pytest.raises(Unavailable, match="cannot be loaded: broken is a reranker"):
        await engines.check()


async def test_before_it_is_told_nobody_is_turned_away_for_good_nor_given_another_model(
    engines: ServedEngines, told: asyncio.Event, clock: ManualClock
) -> None:
    told.clear()
    for model_id in (OTHER.model_id, ""):
        with pytest.raises(Unavailable, match="still being read"):
            engines.engine(model_id)
    assert await embed(engines, FIRST.model_id, clock) == FIRST.dimension


async def test_a_model_that_was_added_meanwhile_is_known_and_served(
    engines: ServedEngines, registry: Registry, clock: ManualClock
) -> None:
    Slow.allowed.set()
    registry.models = [*registry.models, ADDED]
    assert (ADDED.card, False) in engines.known()
    engines.serve("", [ADDED.model_id])
    await settled()
    assert await embed(engines, ADDED.model_id, clock) == ADDED.dimension


async def test_a_model_that_was_wished_for_first_and_added_then_is_served(
    engines: ServedEngines, registry: Registry, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    Slow.allowed.set()
    for _ in range(3):  # as often as its progress is told
        engines.serve("", [ADDED.model_id])
        with pytest.raises(NotFound):
            engines.engine(ADDED.model_id)
    assert caplog.text.count(ADDED.model_id) == 1
    registry.models = [*registry.models, ADDED]
    engines.engine(ADDED.model_id)
    await settled()
    assert await embed(engines, ADDED.model_id, clock) == ADDED.dimension


async def test_without_the_model_of_the_index_nothing_is_embedded_by_another(
    engines: ServedEngines, registry: Registry, clock: ManualClock
) -> None:
    Slow.allowed.set()
    engines.serve(ADDED.model_id)
    with pytest.raises(Unavailable, match="headwater models add"):
        engines.engine("")
    with pytest.raises(Unavailable, match=ADDED.model_id):
        await engines.check()
    registry.models = [*registry.models, ADDED]
    with pytest.raises(Unavailable, match="not loaded"):
        await engines.check()
    await settled()
    await engines.check()
    assert await embed(engines, "", clock) == ADDED.dimension


async def test_a_registry_that_cannot_be_read_any_more_takes_nothing_away(
    engines: ServedEngines, registry: Registry
) -> None:
    before = engines.known()
    registry.is_broken = True
    assert engines.known() == before
    engines.serve("", [ADDED.model_id])
    await engines.check()


def side(model_id: str) -> ReindexSide:
    return ReindexSide("", "", model_id, 8)


def wish(reindex_id: str, model_id: str) -> ReindexWished:
    return ReindexWished(reindex_id, ReindexTarget.READY, model_id, 8, 0.0)


def report(reindex_id: str, stage: ReindexStage) -> ReindexReported:
    return ReindexReported(reindex_id, stage, side("old"), side("new"))


@pytest.mark.parametrize(
    ("wished", "reported", "live", "others"),
    [
        (None, None, "", set()),
        (wish("1", "new"), None, "", {"new"}),
        (wish("1", "new"), report("1", ReindexStage.EMBEDDING), "old", {"old", "new"}),
        (wish("1", "new"), report("1", ReindexStage.READY), "old", {"old", "new"}),
        (wish("1", "new"), report("1", ReindexStage.PROMOTED), "new", {"old", "new"}),
        (wish("1", "new"), report("1", ReindexStage.DONE), "new", set()),
        (wish("1", "new"), report("1", ReindexStage.CANCELLED), "old", set()),
        (wish("1", "new"), report("1", ReindexStage.FAILED), "old", set()),
        (wish("2", "third"), report("1", ReindexStage.DONE), "new", {"third"}),
    ],
)
def test_records_say_which_models_are_needed(
    wished: ReindexWished | None, reported: ReindexReported | None, live: str, others: set[str]
) -> None:
    assert served_models(wished, reported) == (live, others)


async def test_records_are_followed(engines: ServedEngines) -> None:
    models = ReindexedModels(engines)

    def read(said: Said) -> None:
        record = outbound(said)
        models.apply(Record(record.topic, 0, 0, record.key, record.value, {}, 0.0))

    Slow.allowed.set()
    read(wish("1", OTHER.model_id))
    assert {card.name for card, served in engines.known() if served} == {"hash-words", "other"}
    incumbent, challenger = side(FIRST.model_id), side(OTHER.model_id)
    read(ReindexReported("1", ReindexStage.DONE, incumbent, challenger))
    await settled()
    assert [card.name for card, served in engines.known() if served] == ["other"]


@pytest.mark.parametrize("beside", [[OTHER]])
async def test_what_stands_beside_is_served_whatever_else_is(engines: ServedEngines, clock: ManualClock) -> None:
    # The service is ready without it.
    await engines.check()
    with pytest.raises(Unavailable):
        await embed(engines, OTHER.model_id, clock)
    Slow.allowed.set()
    await settled()
    for others in ([], [OTHER.model_id], []):
        engines.serve("", others)
        assert await embed(engines, OTHER.model_id, clock) == OTHER.dimension


@pytest.mark.parametrize("beside", [[BROKEN]])
async def test_what_stands_beside_and_cannot_be_loaded_is_told_by_its_calls_alone(
    engines: ServedEngines, clock: ManualClock
) -> None:
    Slow.allowed.set()
    await settled()
    await engines.check()
    assert await embed(engines, "", clock) == FIRST.dimension
    with pytest.raises(Unavailable):
        await embed(engines, BROKEN.model_id, clock)
