"""Workers that a test steps by hand."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class StepExecutor(Executor):
    """Runs nothing until told to: makes the order of a batcher's work visible and repeatable."""

    def __init__(self) -> None:
        self.pending: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> "Future[R]":
        future: Future[R] = Future()
        self.pending.append((future, lambda: fn(*args, **kwargs)))
        return future

    def step(self) -> bool:
        """Runs the oldest batch, in this thread; False if there is none."""
        if not self.pending:
            return False
        future, work = self.pending.popleft()
        if future.set_running_or_notify_cancel():
            future.set_result(work())
        return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            while self.pending:
                self.pending.popleft()[0].cancel()
