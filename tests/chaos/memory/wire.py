"""What lies between the processes and the engines: requests take time, and outlive who sent them."""

import asyncio
import contextvars
import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from chaos.memory.loop import PROCESS, Process, SimulationLoop
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import HeadwaterError, Unavailable

T = TypeVar("T")
# Most requests take no time, so that the order of steps decides; some take long enough for others to come between.
DELAYS = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.001, 0.003, 0.02, 0.3)


class SimulationClock:
    """The simulation's time as a `core.clock.Clock`."""

    def __init__(self, loop: SimulationLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.time()

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Wire:
    """Between the processes and the engines."""

    def __init__(self, loop: SimulationLoop, rng: random.Random) -> None:
        self.loop = loop
        self.rng = rng
        self.store_away = False
        self.under_way = 0
        self.stirred = asyncio.Event()
        """Set whenever something was asked of the store, which may have changed it."""
        self.writers = itertools.count(1)
        self.switches: dict[tuple[DocumentKey, int], tuple[str, int]] = {}
        """Of each ledger row ever written, the writer and the number that he gave it."""
        self._sent: defaultdict[Process, list[Callable[[], None]]] = defaultdict(list)
        self._context = contextvars.copy_context()
        self._context.run(PROCESS.set, loop.outside)

    def delay(self) -> float:
        """Seconds that a message is on its way."""
        return self.rng.choice(DELAYS) * self.rng.random()

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Calls, outside all processes, after this time."""
        self.at(self.loop.time() + seconds, call)

    def at(self, when: float, call: Callable[[], object]) -> None:
        """As `later`, at a moment."""
        self.under_way += 1

        def run() -> None:
            self.under_way -= 1
            call()

        if when <= self.loop.time():
            self.loop.call_soon(run, context=self._context)
        else:
            self.loop.call_at(when, run, context=self._context)

    async def request(
        self, process: Process, apply: Callable[[], T], is_away: Callable[[], bool], arrival: float | None = None
    ) -> T:
        """What `apply` returns or raises, at the engine; Unavailable while it is away, applied or not."""
        process.check()
        reply: asyncio.Future[T] = self.loop.create_future()

        def arrive() -> None:
            if arrive not in sent:
                return
            sent.remove(arrive)
            if not process.is_alive and self.rng.random() < 0.5:
                return
            outcome: T | HeadwaterError
            try:
                if is_away():
                    raise Unavailable("the engine is away")
                outcome = apply()
            except HeadwaterError as error:
                outcome = error
            self.later(self.delay(), lambda: answer(outcome))

        def answer(outcome: T | HeadwaterError) -> None:
            if reply.done():
                return
            if is_away():
                outcome = Unavailable("the engine went away before it answered")
            if isinstance(outcome, HeadwaterError):
                reply.set_exception(outcome)
            else:
                reply.set_result(outcome)

        sent = self._sent[process]
        sent.append(arrive)
        self.at(self.loop.time() + self.delay() if arrival is None else arrival, arrive)
        return await reply

    def land(self, process: Process) -> None:
        """What a process has sent that is dead arrives at once, or never: before a successor has started."""
        for arrive in tuple(self._sent[process]):
            arrive()


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise AssertionError("it was to wait for nothing")
