"""The engines of the models that are served."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from headwater_inference.ports import ModelCard
from headwater_inference.registry import ModelSpec
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Misconfigured, NotFound, Transient, Unavailable
from headwater_kit.core.retry import Backoff

from headwater_embed.adapters.engine import BatchedEngine, Queue, QueueGauges

logger = logging.getLogger(__name__)
BACKOFF = Backoff()


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An engine, and the task that loads it; none for the first, which the service waits for."""

    engine: BatchedEngine
    task: asyncio.Task[None] | None = None

    @property
    def fault(self) -> BaseException | None:
        """What loading it came to an end by, if it did not succeed."""
        return self.task.exception() if self.task is not None and self.task.done() else None


class ServedEngines:
    """`ports.Engines`; a runtime component that loads the first model at start, others when `serve` names them.

    It owns the queue that all engines share. `look_up` reads the models there are; it is called again where one is
    asked for that was not among them, so that a model can be added while this runs. `is_told` says whether all that
    names models has been read. `beside` are served always, whatever `serve` names.
    """

    name = "encoders"

    def __init__(
        self,
        first: ModelSpec,
        look_up: Callable[[], Sequence[ModelSpec]],
        make: Callable[[ModelSpec], BatchedEngine],
        queue: Queue,
        *,
        clock: Clock,
        rng: random.Random,
        is_told: Callable[[], bool],
        beside: Sequence[ModelSpec] = (),
    ) -> None:
        self._known = {spec.model_id: spec for spec in (*look_up(), *beside, first)}
        self._beside = frozenset(spec.model_id for spec in beside)
        self._look_up = look_up
        self._first = first.model_id
        self._live = first.model_id
        self._told: tuple[str, frozenset[str]] = ("", frozenset())
        self._make = make
        self._queue = queue
        self._clock = clock
        self._rng = rng
        self._is_told = is_told
        self._loaded = {first.model_id: _Loaded(make(first))}
        self._gauges: QueueGauges | None = None

    async def start(self) -> None:
        """Fetches the first model if need be and loads it; raises Unavailable or Misconfigured.

        Those that stand beside are loaded in the background: without them there are still words and the first.
        """
        self._gauges = self._gauges or QueueGauges(self._queue)
        self._load_all(self._beside - self._loaded.keys())
        if self._first in self._loaded:
            await self._loaded[self._first].engine.start()

    async def check(self) -> None:
        """Raises Unavailable before the model that new documents need is loaded and once it is let go."""
        await self.engine("").check()

    async def stop(self, deadline: Deadline) -> None:
        """Ends fetches under way, finishes what is queued, frees the weights."""
        for loaded in self._loaded.values():
            loaded.engine.let_go()
        await self._queue.close(deadline)
        if self._gauges is not None:
            self._gauges.close()
        for model_id in list(self._loaded):
            self._unload(model_id)

    def serve(self, live: str, others: Collection[str] = ()) -> None:
        """Embeds new documents with the model `live`, and serves the others too; an empty one is the first.

        Loads in the background what is not loaded, lets go of what is not named. A model that nobody here knows is
        not served; where it is the live one, nothing is embedded until it is known, rather than by another.
        """
        told, self._told = self._told, (live, frozenset(others))
        self._live = live or self._first
        wanted = {model_id or self._first for model_id in (live, *others)} | self._beside
        unknown = self._load_all(wanted - self._loaded.keys())
        for model_id in unknown if told != self._told else ():
            logger.error("no model has the id %s: add it by `headwater models add`", model_id)
        for model_id in self._loaded.keys() - wanted:
            self._unload(model_id)

    def engine(self, model_id: str) -> BatchedEngine:
        """See `ports.Engines`."""
        loaded = self._find(model_id or self._live)
        if not self._is_told() and (loaded is None or not model_id):
            raise Unavailable("which models are to be served is still being read: try again in a moment")
        if loaded is None and not model_id:
            raise Unavailable(f"the index's model {self._live} is not known here: add it by `headwater models add`")
        if loaded is None:
            served = ", ".join(sorted(self._loaded))
            raise NotFound(f"model {model_id!r} is not served here: leave model_id empty, or use {served}")
        if loaded.fault is not None:
            raise Unavailable(f"{loaded.engine.name} cannot be loaded: {loaded.fault}")
        return loaded.engine

    def known(self) -> Sequence[tuple[ModelCard, bool]]:
        """See `ports.Engines`. Reads the registry: some milliseconds."""
        self._look_again()
        live_first = sorted(self._known.values(), key=lambda spec: (spec.model_id != self._live, spec.name))
        return [(spec.card, spec.model_id in self._loaded) for spec in live_first]

    def _find(self, model_id: str) -> _Loaded | None:
        if model_id not in self._known:
            self.serve(*self._told)  # for what was named may have been added since
        return self._loaded.get(model_id)

    def _spec(self, model_id: str) -> ModelSpec | None:
        if model_id not in self._known:
            self._look_again()
        return self._known.get(model_id)

    def _look_again(self) -> None:
        try:
            self._known |= {spec.model_id: spec for spec in self._look_up()}
        except Misconfigured as error:
            logger.warning("the model registry is taken as it was read before: %s", error.message)

    def _load_all(self, model_ids: Collection[str]) -> Sequence[str]:
        """Returns those that nobody knows here."""
        specs = {model_id: self._spec(model_id) for model_id in model_ids}
        for spec in filter(None, specs.values()):
            self._load(spec)
        return [model_id for model_id, spec in specs.items() if spec is None]

    def _load(self, spec: ModelSpec) -> None:
        engine = self._make(spec)
        self._loaded[spec.model_id] = _Loaded(engine, asyncio.create_task(self._start(engine), name=engine.name))

    def _unload(self, model_id: str) -> None:
        loaded = self._loaded.pop(model_id)
        if loaded.task is not None:
            loaded.task.cancel()
        loaded.engine.stop()

    async def _start(self, engine: BatchedEngine) -> None:
        failures = 0
        while True:
            try:
                await engine.start()
            except Transient as error:
                failures += 1
                logger.warning("%s is not loaded yet: %s", engine.name, error.message)
                await self._clock.sleep(BACKOFF.delay(failures, self._rng))
            except Misconfigured:
                logger.exception("%s cannot be loaded", engine.name)
                raise
            else:
                return
