"""An encoder behind the queue that all encoders of the process share."""

import asyncio
import logging
from collections.abc import Callable, Sequence, Sized
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from headwater_inference.batcher import Batcher, BatchPolicy
from headwater_inference.catalogue import open_encoder
from headwater_inference.device import Device
from headwater_inference.download import Progress
from headwater_inference.ports import Encoder, Lane, ModelCard, Vectors, WhenFull
from headwater_inference.registry import ModelSpec
from headwater_inference.store import ModelStore
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.telemetry import counter, histogram, names
from headwater_kit.telemetry.instruments import Reading, observed_each
from headwater_kit.telemetry.spans import Attributes, below, current, span
from opentelemetry.trace import SpanContext

from headwater_embed.domain import Embedding

logger = logging.getLogger(__name__)
# Whose models they are: they run in this process.
PROVIDER = "headwater"

Ids = Sequence[int]
# What a model makes of a batch, one row each, and one of the batch, whose length is in tokens.
Run = Callable[[Sequence[Any]], Vectors]


class Job(NamedTuple):
    """One of a batch: what runs it, on what, and the span that it is of."""

    run: Run
    payload: Sized
    caller: SpanContext


# One for all models, so that their lanes are one, too: bulk for another model goes behind queries for this one.
Queue = Batcher[Job, Any]
# Tokenizing this much takes about 1 ms; more would hold up the event loop.
INLINE_CHARACTERS = 2_000


class BatchedEngine:
    """The Engine; loads the model at start. Whoever owns the queue closes it before this is stopped."""

    def __init__(
        self, spec: ModelSpec, store: ModelStore, queue: Queue, clock: Clock, device: Device = Device.CPU
    ) -> None:
        self.name = f"encoder {spec.name}"
        self.card: ModelCard = spec.card
        self._attributes: Attributes = {
            names.MODEL_OPERATION: "embeddings",
            names.MODEL_PROVIDER: PROVIDER,
            names.MODEL_ASKED: spec.name,
            names.MODEL_DIMENSION: spec.card.dimension,
        }
        self._spec = spec
        self._store = store
        self._queue = queue
        self._clock = clock
        self._device = device
        self._encoder: Encoder | None = None
        self._step = ""
        self._stopping = False

    async def start(self) -> None:
        """Fetches the model if need be and loads it; raises Unavailable or Misconfigured."""
        self._encoder = await asyncio.to_thread(open_encoder, self._spec, self._store, self._report, self._device)
        logger.info("model loaded", extra={"model": self.card.name, "model_id": self.card.model_id})

    async def check(self) -> None:
        """Raises Unavailable before the model is loaded and once it is let go."""
        self._require()

    def let_go(self) -> None:
        """Ends a fetch under way and takes no more texts; what is queued goes on."""
        self._stopping = True

    def stop(self) -> None:
        """Lets go, and frees the weights; texts that are queued are refused with Unavailable."""
        self.let_go()
        if self._encoder is not None:
            self._encoder.close()

    async def embed(
        self, texts: Sequence[str], lane: Lane, when_full: WhenFull, deadline: Deadline
    ) -> Sequence[Embedding]:
        encoder = self._require()
        begin = self._clock.monotonic()
        tokenized = await _tokenize(encoder, texts)
        labels = {names.EMBED_LANE: lane.name.lower()}
        tokens = sum(len(ids) for ids, _ in tokenized)
        with span(
            names.EMBEDDINGS, {**self._attributes, **labels, names.COUNT: len(texts), names.MODEL_TOKENS_READ: tokens}
        ):
            jobs = [Job(encoder.encode, ids, current()) for ids, _ in tokenized]
            vectors = await self._queue.submit(jobs, lane, when_full, deadline)
        counter(names.EMBED_TOKENS).add(tokens, labels)
        histogram(names.EMBED_DURATION).record(self._clock.monotonic() - begin, labels)
        pairs = zip(vectors, tokenized, strict=True)
        return [Embedding(pack(vector), is_truncated) for vector, (_, is_truncated) in pairs]

    def _require(self) -> Encoder:
        if self._encoder is None or self._stopping:
            raise Unavailable(f"{self.name} is not loaded: try again in a moment")
        return self._encoder

    def _report(self, progress: Progress) -> None:
        # Called in the loading thread; raising ends the fetch, which may take minutes.
        if self._stopping:
            raise Unavailable(f"{self.name} is no longer wanted")
        if progress.step != self._step:
            self._step = progress.step
            logger.info("%s", progress.step, extra={"model": self.card.name, "total_bytes": progress.total_bytes})


def new_queue(policy: BatchPolicy, clock: Clock) -> Queue:
    """The queue of a process."""

    def run(batch: Sequence[Job]) -> Sequence[Any]:
        tokens = sum(len(job.payload) for job in batch)
        histogram(names.EMBED_BATCH_FILL).record(min(1.0, tokens / policy.max_batch_tokens))
        begin = clock.monotonic()
        try:
            first, *others = {job.caller.span_id: job.caller for job in batch}.values()
            attributes = {names.COUNT: len(batch), names.MODEL_TOKENS_READ: tokens}
            with span(names.BATCH, attributes, parent=below(first), links=others):
                return _run(batch)
        finally:
            histogram(names.EMBED_BATCH_DURATION).record(clock.monotonic() - begin)

    return Batcher(run, lambda job: len(job.payload), policy, clock)


def _run(batch: Sequence[Job]) -> Sequence[Any]:
    runs = groupby(batch, key=lambda job: job.run)
    return [row for run, jobs in runs for row in run([job.payload for job in jobs])]


class QueueGauges:
    """Shows how busy a queue is, until closed."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._forget = (
            observed_each(names.EMBED_QUEUED, self._queued),
            observed_each(names.EMBED_WORKERS, self._busy),
        )

    def close(self) -> None:
        """Shows nothing any more."""
        for forget in self._forget:
            forget()

    def _queued(self) -> Sequence[Reading]:
        queued = self._queue.load().queued_tokens
        return [(tokens, {names.EMBED_LANE: lane.name.lower()}) for lane, tokens in queued.items()]

    def _busy(self) -> Sequence[Reading]:
        load = self._queue.load()
        idle = load.workers - load.running_batches
        return [(load.running_batches, {names.WORKER_STATE: "busy"}), (idle, {names.WORKER_STATE: "idle"})]


def pack(vector: Vectors) -> bytes:
    """A vector as it travels: little-endian float32, packed."""
    return vector.astype(np.dtype("<f4"), copy=False).tobytes()


async def _tokenize(encoder: Encoder, texts: Sequence[str]) -> Sequence[tuple[Ids, bool]]:
    if sum(map(len, texts)) <= INLINE_CHARACTERS:
        return [encoder.tokenize(text) for text in texts]
    return await asyncio.to_thread(lambda: [encoder.tokenize(text) for text in texts])
