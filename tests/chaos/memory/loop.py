"""An event loop for simulations: virtual time, and processes that can be frozen or killed between any two steps.

Each callback belongs to the process in whose context it was made. Within a
process callbacks run in their order, as in asyncio; which process is next is
told by `choices`, a byte a choice, and goes round when those are used up. Time
stands still while anything can run and then jumps to the next timer. So a run
is a function of its code and its choices.
"""

import asyncio
import contextvars
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextlib import suppress
from enum import Enum
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
START_TIME = 1_000_000.0
# More steps than any run needs: one that takes more is stuck in a circle.
MAX_STEPS = 1_000_000
# A coroutine that waits while it is closed has to be closed once more; none here nests deeper than this.
MAX_CLOSES = 20


class Killed(BaseException):
    """Ends what a killed process is doing at this very moment."""


class State(Enum):
    RUNNING = "running"
    STOPPED = "stopped"
    DEAD = "dead"
    BURIED = "buried"


class Process:
    """Callbacks that are frozen or dropped together."""

    def __init__(self, name: str, loop: "SimulationLoop") -> None:
        self.name = name
        self.state = State.RUNNING
        self.ready: deque[asyncio.Handle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []
        self._loop = loop

    @property
    def is_alive(self) -> bool:
        """Whether it runs or may run again."""
        return self.state in (State.RUNNING, State.STOPPED)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """A task of this process."""
        context = contextvars.copy_context()
        context.run(PROCESS.set, self)
        return self._loop.create_task(work, context=context)

    def kill(self) -> None:
        """As `kill -9`: no further step is made. A step under way ends at its next call of an engine."""
        self.state = State.DEAD
        self.ready.clear()
        self._loop.rest(self)

    def stop(self) -> None:
        """As SIGSTOP: what becomes due waits."""
        self.state = State.STOPPED
        self._loop.rest(self)

    def go_on(self) -> None:
        """As SIGCONT."""
        self.state = State.RUNNING
        if self.ready:
            self._loop.wake(self)

    def check(self) -> None:
        """Raises Killed in a process that is no more: called wherever it touches the world outside."""
        if not self.is_alive:
            raise Killed(self.name)


PROCESS: contextvars.ContextVar[Process] = contextvars.ContextVar("process")


class SimulationLoop(asyncio.AbstractEventLoop):
    """See the module."""

    def __init__(self, choices: bytes = b"") -> None:
        self.outside = Process("outside", self)
        self.steps = 0
        self._processes = [self.outside]
        self._now = START_TIME
        self._choices = choices
        self._chosen = 0
        self._busy: list[Process] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle, Process]] = []
        self._order = itertools.count()
        self._is_closed = False

    def process(self, name: str) -> Process:
        """A new process."""
        made = Process(name, self)
        self._processes.append(made)
        return made

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs `work` outside all processes to its end, buries them all, and returns what it returned."""
        asyncio.events._set_running_loop(self)
        try:
            main = self.outside.spawn(work)
            while not main.done():
                self._step()
            self._bury()
            return main.result()
        finally:
            asyncio.events._set_running_loop(None)
            self._is_closed = True

    def wake(self, process: Process) -> None:
        """The process has something to do."""
        if process not in self._busy:
            self._busy.append(process)

    def rest(self, process: Process) -> None:
        """The process gets no further turn for now."""
        if process in self._busy:
            self._busy.remove(process)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise RuntimeError(f"no end after {MAX_STEPS} steps, at {self._now - START_TIME:.1f} s")
        if self._timers and (not self._busy or self._timers[0][0] <= self._now):
            self._fire()
        if not self._busy:
            if not self._timers:
                raise RuntimeError("nothing can run any more: everybody waits for somebody")
            return
        process = self._next()
        handle = process.ready.popleft()
        if not process.ready:
            self._busy.remove(process)
        if not handle._cancelled:
            handle._run()

    def _next(self) -> Process:
        busy = self._busy
        if len(busy) == 1:
            return busy[0]
        if self._chosen < len(self._choices):
            self._chosen += 1
            return busy[self._choices[self._chosen - 1] % len(busy)]
        busy.append(busy.pop(0))
        return busy[-1]

    def _fire(self) -> None:
        """Hands over all timers of the earliest moment."""
        while self._timers and self._timers[0][2]._cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            return
        if not self._busy:
            self._now = max(self._now, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now:
            _, _, handle, process = heapq.heappop(self._timers)
            if not handle._cancelled:
                self._enqueue(handle, process)

    def _enqueue(self, handle: asyncio.Handle, process: Process) -> None:
        if process.state is State.DEAD:
            return
        process.ready.append(handle)
        if process.state is not State.STOPPED and len(process.ready) == 1:
            self.wake(process)

    def _bury(self) -> None:
        """Closes all that is unfinished, so that the garbage collector finds nothing to complain of."""
        for process in self._processes:
            process.state = State.BURIED
        for process in self._processes:
            for task in process.tasks:
                _close(task)
        for process in self._processes:
            process.ready.clear()
            process.tasks.clear()
        self._timers.clear()
        self._busy.clear()

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._is_closed

    def is_closed(self) -> bool:
        return self._is_closed

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        context = context or contextvars.copy_context()
        handle = asyncio.Handle(callback, args, self, context)
        self._enqueue(handle, context.get(PROCESS, self.outside))
        return handle

    call_soon_threadsafe = call_soon

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        context = context or contextvars.copy_context()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle, context.get(PROCESS, self.outside)))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is dropped when its time comes."""

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: contextvars.Context | None = None
    ) -> "asyncio.Task[Any]":
        context = context or contextvars.copy_context()
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        context.get(PROCESS, self.outside).tasks.append(task)
        return task

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Arguments], T], *args: *Arguments
    ) -> "asyncio.Future[T]":
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Exceptions that nobody fetched are told when garbage is collected, which is not part of the simulation."""

    async def shutdown_asyncgens(self) -> None:
        """There is nothing to shut down."""


def _close(task: "asyncio.Task[Any]") -> None:
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    work: Any = task.get_coro()
    for _ in range(MAX_CLOSES):
        if task.done() or work.cr_frame is None:
            break
        with suppress(BaseException):
            work.close()
    if task.done() and not task.cancelled():
        task.exception()
