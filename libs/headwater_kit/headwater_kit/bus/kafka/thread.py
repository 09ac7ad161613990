"""A thread that alone touches a blocking client."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from headwater_kit.core.errors import Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Call(Generic[T]):
    function: Callable[[], T]
    future: Future[T]
    nested: bool

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.function())
        except BaseException as error:
            self.future.set_exception(error)


class OwnerThread:
    """Does what it is asked, one after the other, in one thread of its own.

    A client's callback that has to wait for the event loop calls `serve_until`:
    calls made with `nested` are then done within the callback, the others after
    it. So a commit made while partitions are given up reaches the client in the
    one moment when it counts.
    """

    def __init__(self, name: str) -> None:
        # Whether the call under way was made from within a callback; for the thread itself to ask.
        self.is_nested = False
        self._calls: deque[_Call[object]] = deque()
        self._waiting = threading.Condition()
        self._ended = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def is_wanted(self) -> bool:
        """Whether calls wait; for the function under way, to hurry up."""
        return bool(self._calls)

    async def call(self, function: Callable[[], T], *, nested: bool = False) -> T:
        """Returns what `function` returns in the thread; a caller that goes away does not stop it.

        Raises what it raises, and Unavailable after `end`.
        """
        return await asyncio.shield(asyncio.wrap_future(self.post(function, nested=nested)))

    def post(self, function: Callable[[], T], *, nested: bool = False) -> "Future[T]":
        """Asks for `function` to be called, without waiting."""
        future: Future[T] = Future()
        with self._waiting:
            if self._ended:
                raise Unavailable("the client is closed")
            self._calls.append(_Call(function, future, nested))  # type: ignore[arg-type]
            self._waiting.notify_all()
        return future

    def serve_until(self, done: "Future[Any]") -> None:
        """From within a call: does nested calls until `done` is done."""
        done.add_done_callback(lambda _: self._wake())
        self.is_nested = True
        while call := self._next(lambda: next((c for c in self._calls if c.nested), None), done.done):
            call.run()
        self.is_nested = False

    def end(self) -> None:
        """Ends the thread once what was asked before is done."""
        with self._waiting:
            self._ended = True
            self._waiting.notify_all()

    def _run(self) -> None:
        while call := self._next(lambda: self._calls[0] if self._calls else None, lambda: self._ended):
            call.run()

    def _next(self, pick: Callable[[], "_Call[object] | None"], is_over: Callable[[], bool]) -> "_Call[object] | None":
        with self._waiting:
            while (call := pick()) is None:
                if is_over():
                    return None
                self._waiting.wait()
            self._calls.remove(call)
            return call

    def _wake(self) -> None:
        with self._waiting:
            self._waiting.notify_all()
