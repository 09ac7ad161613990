"""One caller's payloads on their way through a batcher."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, Unavailable

from headwater_inference.ports import Lane

T = TypeVar("T")
R = TypeVar("R")


class Call(Generic[T, R]):
    """Payloads with one future for all their results: answered once, whatever happens."""

    def __init__(self, lane: Lane, payloads: Sequence[T], tokens: Sequence[int], deadline: Deadline | None) -> None:
        self.lane = lane
        self.tokens = sum(tokens)
        self.future: asyncio.Future[Sequence[R]] = asyncio.get_running_loop().create_future()
        self._payloads = payloads
        self._token_counts = tokens
        self._deadline = deadline
        self._results: dict[int, R] = {}

    def jobs(self) -> "Iterator[CallJob[T, R]]":
        """Its payloads, longest first: that way the workers finish a call at nearly the same time."""
        for index in sorted(range(len(self._payloads)), key=lambda i: -self._token_counts[i]):
            yield CallJob(self, index, self._payloads[index], self._token_counts[index])

    def is_live(self) -> bool:
        """Whether its caller still waits; a call past its deadline fails here."""
        if not self.future.done() and self._deadline is not None and self._deadline.remaining() == 0.0:
            self.fail(DeadlineExceeded("the deadline passed in the queue: allow more time"))
        return not self.future.done()

    def answer(self, index: int, outcome: R | BaseException) -> None:
        """Takes one payload's outcome; the last result, or the first error, answers the caller."""
        if isinstance(outcome, BaseException):
            self.fail(outcome)
            return
        self._results[index] = outcome
        if len(self._results) == len(self._payloads) and not self.future.done():
            self.future.set_result([self._results[i] for i in range(len(self._payloads))])

    def fail(self, error: BaseException) -> None:
        """Answers the caller with an error, unless it has its answer."""
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(frozen=True, slots=True)
class CallJob(Generic[T, R]):
    """One payload of a call."""

    call: Call[T, R]
    index: int
    payload: T
    tokens: int


def run_isolated(run: Callable[[Sequence[T]], Sequence[R]], payloads: Sequence[T]) -> "Sequence[R | Exception]":
    """Runs a batch; if it fails, runs each payload alone, so that only the culprits fail."""
    try:
        return _run_whole(run, payloads)
    except Exception as error:
        if len(payloads) == 1:
            return [error]
        return [run_isolated(run, [payload])[0] for payload in payloads]


def _run_whole(run: Callable[[Sequence[T]], Sequence[R]], payloads: Sequence[T]) -> Sequence[R]:
    results = run(payloads)
    if len(results) != len(payloads):
        raise RuntimeError(f"{len(payloads)} payloads gave {len(results)} results")
    return results


def outcomes_of(done: Future[Any], count: int) -> "Sequence[R | BaseException]":
    """What became of each of `count` payloads, also where the worker itself was lost."""
    if done.cancelled():
        return [Unavailable("the encoder was stopped: ask another instance")] * count
    error = done.exception()
    if error is not None:
        return [error] * count
    return list(done.result())


async def within(future: "asyncio.Future[R]", deadline: Deadline | None) -> R:
    """The future's result, or DeadlineExceeded once the time is up."""
    if deadline is None:
        return await future
    timer = asyncio.ensure_future(deadline.clock.sleep(deadline.remaining()))
    waited_for: set[asyncio.Future[Any]] = {future, timer}
    try:
        await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            raise DeadlineExceeded("the deadline passed before the work was done: allow more time")
        return future.result()
    finally:
        timer.cancel()
