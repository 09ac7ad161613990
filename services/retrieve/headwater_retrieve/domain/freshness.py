"""What retrieve remembers of `indexed.v1`: how far the index has come, and what changed just now."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Passage, Position


class Watermark:
    """The highest applied offset of each partition of `documents.v1`. Owned by the event loop."""

    def __init__(self) -> None:
        self._offsets: dict[int, int] = {}
        self._produce_times: dict[int, float] = {}
        self._waiting: set[_Waiter] = set()

    def advance(self, position: Position, produce_time: float) -> None:
        """Notes an applied event and wakes those whose positions are reached."""
        if position.offset > self._offsets.get(position.partition, -1):
            self._offsets[position.partition] = position.offset
            self._produce_times[position.partition] = produce_time
            for waiter in [w for w in self._waiting if self.lag(w.positions) == 0]:
                waiter.wake()

    def positions(self) -> tuple[Position, ...]:
        """One a partition that has had an event, by partition."""
        return tuple(Position(partition, offset) for partition, offset in sorted(self._offsets.items()))

    def produce_time(self, partition: int) -> float | None:
        """When the highest applied event of a partition was produced, in seconds since the epoch; None before one."""
        return self._produce_times.get(partition)

    def lag(self, wanted: Iterable[Position]) -> int:
        """How many source records the index is behind these positions, summed; 0 if they are reached."""
        return sum(max(0, p.offset - self._offsets.get(p.partition, -1)) for p in wanted)

    async def reach(self, wanted: Sequence[Position], deadline: Deadline) -> int:
        """Returns 0 once all are applied, or the lag when the deadline passes first."""
        if self.lag(wanted) == 0:
            return 0
        waiter = _Waiter(tuple(wanted), asyncio.get_running_loop().create_future())
        self._waiting.add(waiter)
        timer = asyncio.ensure_future(deadline.clock.sleep(deadline.remaining()))
        try:
            await asyncio.wait({waiter.done, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(waiter)
            timer.cancel()
        return self.lag(wanted)


@dataclass(frozen=True, eq=False, slots=True)
class _Waiter:
    positions: tuple[Position, ...]
    done: asyncio.Future[None]

    def wake(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class RecentChanges:
    """The lowest version that may still be shown of each lately changed document.

    A search that began before a change may hold what `indexed.v1` has since
    reported as replaced or deleted; checking its result against this keeps I3.
    What is kept is bounded by the rate of change: nothing older than the longest
    search, and at most `max_documents`.
    """

    def __init__(self, clock: Clock, window_seconds: float = 60.0, max_documents: int = 100_000) -> None:
        self._clock = clock
        self._window_seconds = window_seconds
        self._max_documents = max_documents
        self._floors: OrderedDict[DocumentKey, tuple[float, int]] = OrderedDict()

    def note(self, key: DocumentKey, floor: int) -> None:
        """From now on versions below `floor` are gone. What comes late lowers nothing: the highest floor stands."""
        _, highest = self._floors.pop(key, (0.0, 0))
        self._floors[key] = (self._clock.monotonic(), max(floor, highest))
        self._forget()

    def allows(self, tenant: str, passage: Passage) -> bool:
        """False if the passage's version has been reported as replaced or deleted."""
        _, floor = self._floors.get(DocumentKey(tenant, passage.document_id), (0.0, 0))
        return passage.version >= floor

    def __len__(self) -> int:
        """How many documents are remembered."""
        return len(self._floors)

    def _forget(self) -> None:
        horizon = self._clock.monotonic() - self._window_seconds
        while self._floors:
            key, (noted_at, _) = next(iter(self._floors.items()))
            if noted_at >= horizon and len(self._floors) <= self._max_documents:
                return
            del self._floors[key]
