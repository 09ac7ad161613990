"""A reranker behind the queue that all models of the process share."""

import asyncio
import logging
import random
from collections.abc import Sequence

from headwater_inference.catalogue import open_reranker
from headwater_inference.device import Device
from headwater_inference.download import Progress
from headwater_inference.ports import Lane, ModelCard, Pair, Reranker, WhenFull
from headwater_inference.registry import ModelSpec
from headwater_inference.store import ModelStore
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Misconfigured, Transient, Unavailable
from headwater_kit.core.retry import Backoff
from headwater_kit.telemetry import histogram, names
from headwater_kit.telemetry.spans import Attributes, current, span

from headwater_embed.adapters.engine import INLINE_CHARACTERS, PROVIDER, Job, Queue

logger = logging.getLogger(__name__)
BACKOFF = Backoff()


class BatchedReranker:
    """`ports.RerankEngine`; a runtime component.

    Nobody needs it until somebody asks: the first call begins to load it, or
    to fetch it, and calls are refused until that is done. So it takes no memory
    and no part in health where no search is reranked.
    """

    def __init__(
        self,
        spec: ModelSpec,
        store: ModelStore,
        queue: Queue,
        *,
        clock: Clock,
        rng: random.Random,
        device: Device = Device.CPU,
    ) -> None:
        self.name = f"reranker {spec.name}"
        self.card: ModelCard = spec.card
        self._spec = spec
        self._store = store
        self._queue = queue
        self._clock = clock
        self._rng = rng
        self._device = device
        self._reranker: Reranker | None = None
        self._loading: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Nothing yet."""

    async def check(self) -> None:
        """Always healthy: searches go on without it."""

    async def stop(self, deadline: Deadline) -> None:
        """Ends a fetch under way and frees the weights; pairs that are queued are refused with Unavailable."""
        self._stopping = True
        if self._loading is not None:
            self._loading.cancel()
        if self._reranker is not None:
            self._reranker.close()

    async def score(self, query: str, passages: Sequence[str], deadline: Deadline) -> Sequence[float]:
        """See `ports.RerankEngine`."""
        reranker = self._require()
        begin = self._clock.monotonic()
        pairs = await _pair(reranker, query, passages)
        of: Attributes = {names.MODEL_PROVIDER: PROVIDER, names.MODEL_ASKED: self.card.name, names.COUNT: len(pairs)}
        with span(names.RERANKING, of):
            jobs = [Job(reranker.score, pair, current()) for pair in pairs]
            scores = await self._queue.submit(jobs, Lane.QUERY, WhenFull.REFUSE, deadline)
        histogram(names.EMBED_RERANK_DURATION).record(self._clock.monotonic() - begin)
        return [float(score) for score in scores]

    def _require(self) -> Reranker:
        if self._reranker is not None and not self._stopping:
            return self._reranker
        if self._loading is None and not self._stopping:
            self._loading = asyncio.create_task(self._load(), name=self.name)
        raise Unavailable(f"{self.name} is not loaded: try again in a moment")

    async def _load(self) -> None:
        failures = 0
        while True:
            try:
                self._reranker = await asyncio.to_thread(
                    open_reranker, self._spec, self._store, self._report, self._device
                )
            except Transient as error:
                failures += 1
                logger.warning("%s is not loaded yet: %s", self.name, error.message)
                await self._clock.sleep(BACKOFF.delay(failures, self._rng))
            except Misconfigured:
                logger.exception("%s cannot be loaded", self.name)
                return
            else:
                logger.info("model loaded", extra={"model": self.card.name, "model_id": self.card.model_id})
                return

    def _report(self, _: Progress) -> None:
        # Called in the loading thread; raising ends the fetch, which may take minutes.
        if self._stopping:
            raise Unavailable(f"{self.name} is no longer wanted")


async def _pair(reranker: Reranker, query: str, passages: Sequence[str]) -> Sequence[Pair]:
    if sum(map(len, passages)) <= INLINE_CHARACTERS:
        return [reranker.pair(query, passage) for passage in passages]
    return await asyncio.to_thread(lambda: [reranker.pair(query, passage) for passage in passages])
