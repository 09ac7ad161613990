"""Token-budget batching: many callers, few workers, one bounded queue.

The method is that of huggingface/text-embeddings-inference (`core/src/queue.rs`):
limits count tokens, not items, because tokens are what a model takes time for.
There is no linger: work starts as soon as a worker is free, and batches form
by themselves while none is, of jobs of like length.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, InvalidInput, Overloaded, Unavailable

from headwater_inference.call import Call, CallJob, outcomes_of, run_isolated, within
from headwater_inference.lanes import LaneQueue
from headwater_inference.ports import Lane, WhenFull
from headwater_inference.priority import stand_back

T = TypeVar("T")
R = TypeVar("R")

MIN_RETRY_MS, MAX_RETRY_MS = 10, 5_000
# Weight of the newest batch in the measured speed: the last ten or so count.
SPEED_SMOOTHING = 0.1


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """Limits. `max_queued_tokens` holds for each lane, so that a full one shuts out nobody else.

    `query_workers` are there beside the others and take queries alone: a query
    does not wait until a long text is done, but shares its core with it.
    `bulk_workers` are there beside the others and take the backfill, which the
    others then leave to them; they stand back where a core is wanted by anybody
    else, in this process or another. Without them the others take it last.

    The default queue holds one call of 256 texts of 512 tokens: about ten
    seconds of work for two cores of 2025.
    """

    workers: int = 1
    query_workers: int = 0
    bulk_workers: int = 0
    max_batch_tokens: int = 2_048
    max_batch_items: int = 1
    max_queued_tokens: int = 131_072


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a batcher is now. `waiting_calls` are those that wait for room in the queue."""

    queued_tokens: Mapping[Lane, int]
    running_batches: int
    waiting_calls: int
    workers: int


@dataclass
class _Crew:
    """Workers that take the same lanes."""

    lanes: Collection[Lane]
    size: int
    executor: Executor
    running: int = 0

    def has_room(self) -> bool:
        return self.running < self.size


class Batcher(Generic[T, R]):
    """Answers every payload exactly once: with a result, or with the error that its caller gets.

    `run` maps a batch to as many results, in order; it is called from the policy's
    threads. If it fails on a batch of several, each is run alone, so that one
    bad payload harms only its own caller. `tokens_of` gives a payload's length.
    All methods belong to one event loop.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], Sequence[R]],
        tokens_of: Callable[[T], int],
        policy: BatchPolicy,
        clock: Clock,
        executor: Executor | None = None,
    ) -> None:
        self._run = run
        self._tokens_of = tokens_of
        self._policy = policy
        self._clock = clock
        self._crews = _crews(policy, executor)
        self._queue: LaneQueue[CallJob[T, R]] = LaneQueue()
        self._waiting: dict[Lane, deque[Call[T, R]]] = {lane: deque() for lane in Lane}
        self._live: set[Call[T, R]] = set()
        self._closing = False
        self._drained = asyncio.Event()
        self._tokens_per_second = 0.0

    async def submit(
        self,
        payloads: Sequence[T],
        lane: Lane,
        when_full: WhenFull = WhenFull.REFUSE,
        deadline: Deadline | None = None,
    ) -> Sequence[R]:
        """Results of the payloads, in order.

        Raises Overloaded when the lane is full and the caller would rather not
        wait; InvalidInput (TOO_LARGE) when the lane could never hold them;
        DeadlineExceeded; Unavailable when closing; and whatever `run` raised.
        On cancellation, and after any error, what has not started never does.
        """
        if not payloads:
            return ()
        call = self._call(payloads, lane, deadline)
        self._admit_or_wait(call, when_full)
        self._live.add(call)
        self._pump()
        try:
            return await within(call.future, deadline)
        finally:
            self._forget(call)

    def load(self) -> Load:
        """The state for metrics; cheap."""
        queued = {lane: self._queue.tokens(lane) for lane in Lane}
        workers = sum(crew.size for crew in self._crews)
        return Load(queued, self._running(), sum(map(len, self._waiting.values())), workers)

    async def close(self, deadline: Deadline) -> None:
        """Refuses new calls, finishes those it has within the deadline, fails the rest with Unavailable."""
        self._closing = True
        self._check_drained()
        drained = asyncio.ensure_future(self._drained.wait())
        try:
            await within(drained, deadline)
        except DeadlineExceeded:
            drained.cancel()
            for call in self._live:
                call.fail(Unavailable("the encoder shut down before the work was done: ask another instance"))
        for crew in self._crews:
            crew.executor.shutdown(wait=False, cancel_futures=True)

    def _call(self, payloads: Sequence[T], lane: Lane, deadline: Deadline | None) -> Call[T, R]:
        if self._closing:
            raise Unavailable("the encoder is shutting down: ask another instance")
        if deadline is not None:
            deadline.check()
        call: Call[T, R] = Call(lane, payloads, [max(1, self._tokens_of(payload)) for payload in payloads], deadline)
        if call.tokens > self._policy.max_queued_tokens:
            raise InvalidInput(
                f"{call.tokens} tokens in one call are over {self._policy.max_queued_tokens}: send fewer texts at once",
                reason="TOO_LARGE",
                field="texts",
            )
        return call

    def _admit_or_wait(self, call: Call[T, R], when_full: WhenFull) -> None:
        # Those who wait came first, even if the newcomer would fit.
        if not self._waiting[call.lane] and self._fits(call):
            self._queue.push(call.lane, call.jobs())
        elif when_full is WhenFull.WAIT:
            self._waiting[call.lane].append(call)
        else:
            raise Overloaded(
                f"{self._queue.tokens(call.lane)} tokens wait in the {call.lane.name.lower()} lane: try again later",
                retry_after_ms=self._retry_after_ms(call.lane),
            )

    def _fits(self, call: Call[T, R]) -> bool:
        return self._queue.tokens(call.lane) + call.tokens <= self._policy.max_queued_tokens

    def _pump(self) -> None:
        self._admit_waiting()
        for crew in self._crews:
            while crew.has_room() and (jobs := self._next_batch(crew.lanes)):
                self._start(crew, [job for job in jobs if job.call.is_live()])
                self._admit_waiting()

    def _next_batch(self, lanes: Collection[Lane]) -> Sequence[CallJob[T, R]]:
        return self._queue.pop(self._policy.max_batch_tokens, self._policy.max_batch_items, lanes)

    def _running(self) -> int:
        return sum(crew.running for crew in self._crews)

    def _admit_waiting(self) -> None:
        for lane, calls in self._waiting.items():
            while calls and self._fits(calls[0]):
                self._queue.push(lane, calls.popleft().jobs())

    def _start(self, crew: _Crew, jobs: Sequence[CallJob[T, R]]) -> None:
        if not jobs:
            return
        crew.running += 1
        loop, begin = asyncio.get_running_loop(), self._clock.monotonic()
        future = crew.executor.submit(run_isolated, self._run, [job.payload for job in jobs])
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._finish, crew, jobs, done, begin))

    def _finish(
        self, crew: _Crew, jobs: Sequence[CallJob[T, R]], done: "Future[Sequence[R | Exception]]", begin: float
    ) -> None:
        crew.running -= 1
        self._measure(sum(job.tokens for job in jobs), self._clock.monotonic() - begin)
        for job, outcome in zip(jobs, outcomes_of(done, len(jobs)), strict=True):
            job.call.answer(job.index, outcome)
        self._pump()
        self._check_drained()

    def _forget(self, call: Call[T, R]) -> None:
        self._live.discard(call)
        if not call.future.done() or call.future.cancelled() or call.future.exception():
            call.future.cancel()
            self._queue.discard(lambda job: job.call is call)
            with suppress(ValueError):
                self._waiting[call.lane].remove(call)
            self._pump()
        self._check_drained()

    def _check_drained(self) -> None:
        if self._closing and not self._live and not self._running():
            self._drained.set()

    def _measure(self, tokens: int, seconds: float) -> None:
        speed = tokens / max(seconds, 1e-6) * self._policy.workers
        weight = SPEED_SMOOTHING if self._tokens_per_second else 1.0
        self._tokens_per_second += weight * (speed - self._tokens_per_second)

    def _retry_after_ms(self, lane: Lane) -> int:
        if not self._tokens_per_second:
            return MIN_RETRY_MS
        wait_ms = 1000.0 * self._queue.tokens(lane) / self._tokens_per_second
        return int(min(max(wait_ms, MIN_RETRY_MS), MAX_RETRY_MS))


def _crews(policy: BatchPolicy, executor: Executor | None) -> Sequence[_Crew]:
    urgent = executor or ThreadPoolExecutor(policy.workers + policy.query_workers, thread_name_prefix="batch")
    queries = _Crew((Lane.QUERY,), policy.query_workers, urgent)
    if not policy.bulk_workers:
        return _Crew(tuple(Lane), policy.workers, urgent), queries
    bulk = executor or ThreadPoolExecutor(policy.bulk_workers, thread_name_prefix="bulk", initializer=stand_back)
    others = _Crew((Lane.QUERY, Lane.LIVE), policy.workers, urgent)
    return others, queries, _Crew((Lane.BACKFILL,), policy.bulk_workers, bulk)
