"""A few inmates for all documents."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Unavailable
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import Reading, histogram, observed_each

from headwater_ingest.adapters.jail.cell import Cell
from headwater_ingest.adapters.jail.frames import Frame, JailTerms, cut_from_frame
from headwater_ingest.domain.cutting import CutDocument


class JailedCutter:
    """A `ports.DocumentCutter`; a runtime component that owns its processes.

    `terms` is called once, off the event loop, at the start: it may have to
    fetch the tokenizer. A document waits `wait_seconds` for a process that is
    free; then `cut` raises Unavailable.
    """

    name = "cutter"

    def __init__(self, terms: Callable[[], JailTerms], processes: int, wait_seconds: float) -> None:
        self._terms = terms
        self._processes = processes
        self._wait_seconds = wait_seconds
        self._cells: list[Cell] = []
        self._idle: asyncio.LifoQueue[Cell] = asyncio.LifoQueue()
        self._wanted = 0
        self._forget: Sequence[Callable[[], None]] = ()

    async def start(self) -> None:
        """Returns once all processes are ready. Raises what `terms` raises, or Unavailable."""
        terms = await asyncio.to_thread(self._terms)
        self._cells = self._cells or [Cell(terms) for _ in range(self._processes)]
        await asyncio.gather(*(cell.open() for cell in self._cells))
        for cell in self._cells:
            self._idle.put_nowait(cell)
        self._forget = (
            observed_each(names.INGEST_CUT_WAITING, self._waiting),
            observed_each(names.INGEST_CUTTERS, self._states),
        )

    async def check(self) -> None:
        """Healthy once started: a process that died is replaced when it is needed."""
        if not self._cells:
            raise Unavailable("the cutter is not running")

    async def stop(self, deadline: Deadline) -> None:
        """Ends the processes."""
        for forget in self._forget:
            forget()
        await asyncio.gather(*(cell.close() for cell in self._cells))

    async def cut(self, media_type: str, body: bytes, title: str) -> CutDocument:
        start = perf_counter()
        self._wanted += 1
        try:
            cell = await self._free()
        finally:
            self._wanted -= 1
        try:
            answer = await cell.ask(Frame({"media_type": media_type, "title": title}, body))
        finally:
            self._idle.put_nowait(cell)
            histogram(names.INGEST_CUT_DURATION).record(perf_counter() - start)
        return cut_from_frame(answer)

    def _waiting(self) -> Sequence[Reading]:
        return [(self._wanted, {})]

    def _states(self) -> Sequence[Reading]:
        idle = self._idle.qsize()
        return [(len(self._cells) - idle, {names.WORKER_STATE: "busy"}), (idle, {names.WORKER_STATE: "idle"})]

    async def _free(self) -> Cell:
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await self._idle.get()
        except TimeoutError:
            raise Unavailable(f"no process that cuts documents was free for {self._wait_seconds:g} s") from None
