"""What retrieve remembers of `indexed.v1`: how far the index has come, and what changed just now."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Passage, Position

# Moves between two partitions that are told apart; of more, the younger ones count as applied with the last of them.
MAX_MOVES = 1_024


class Watermark:
    """The offset of each partition of `documents.v1` up to which all is applied. Owned by the event loop.

    An event that stood in another partition than its document's was sent on:
    what stood there is applied once the place it was moved to is.
    """

    def __init__(self) -> None:
        self._offsets: dict[int, int] = {}
        self._produce_times: dict[int, float] = {}
        self._moves: dict[tuple[int, int], deque[_Move]] = {}
        self._waiting: set[_Waiter] = set()

    def advance(self, position: Position, produce_time: float, moved_to: Position | None = None) -> None:
        """Notes an event that the index has done with, or sent on, and wakes those whose positions are reached."""
        if position.offset <= self._offsets.get(position.partition, -1):
            return
        if moved_to is not None and not self._has(moved_to):
            self._await(_Move(position.offset, moved_to, produce_time), position.partition)
        self._offsets[position.partition] = position.offset
        self._produce_times[position.partition] = produce_time
        self._arrived(position.partition)
        for waiter in [w for w in self._waiting if self.lag(w.positions) == 0]:
            waiter.wake()

    def positions(self) -> tuple[Position, ...]:
        """One a partition of which anything is applied, by partition."""
        reached = ((partition, self._reached(partition)) for partition in sorted(self._offsets))
        return tuple(Position(partition, offset) for partition, offset in reached if offset >= 0)

    def produce_time(self, partition: int) -> float | None:
        """Until when all of a partition that was produced is applied, in seconds since the epoch; None before that.

        That is when the highest applied event was produced, or the first that is on its way to where it was moved.
        """
        if awaited := self._awaited(partition):
            return min(awaited).produce_time
        return self._produce_times.get(partition)

    def lag(self, wanted: Iterable[Position]) -> int:
        """How many source records the index is behind these positions, summed; 0 if they are reached."""
        return sum(max(0, p.offset - self._reached(p.partition)) for p in wanted)

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

    def _has(self, position: Position) -> bool:
        return position.offset <= self._offsets.get(position.partition, -1)

    def _reached(self, partition: int) -> int:
        before = [move.offset - 1 for move in self._awaited(partition)]
        return min([*before, self._offsets.get(partition, -1)])

    def _awaited(self, partition: int) -> "list[_Move]":
        """The first move on its way from a partition to each other one."""
        return [moves[0] for (source, _), moves in self._moves.items() if source == partition]

    def _await(self, move: "_Move", source: int) -> None:
        moves = self._moves.setdefault((source, move.to.partition), deque())
        if len(moves) >= MAX_MOVES:
            last = moves.pop()
            move = _Move(last.offset, max(last.to, move.to), last.produce_time)
        moves.append(move)

    def _arrived(self, partition: int) -> None:
        for pair, moves in list(self._moves.items()):
            while pair[1] == partition and moves and self._has(moves[0].to):
                moves.popleft()
            if not moves:
                del self._moves[pair]


@dataclass(frozen=True, order=True, slots=True)
class _Move:
    """An event that stood at an offset and was sent on to another place."""

    offset: int
    to: Position
    produce_time: float


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
        # By tenant and document id.
        self._floors: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def note(self, key: DocumentKey, floor: int) -> None:
        """From now on versions below `floor` are gone. What comes late lowers nothing: the highest floor stands."""
        place = (key.tenant, key.document_id)
        _, highest = self._floors.pop(place, (0.0, 0))
        self._floors[place] = (self._clock.monotonic(), max(floor, highest))
        self._forget()

    def lift(self, key: DocumentKey) -> None:
        """Its tenant was erased, and versions begin anew: none of those to come is gone."""
        self._floors.pop((key.tenant, key.document_id), None)

    def allows(self, tenant: str, passage: Passage) -> bool:
        """False if the passage's version has been reported as replaced or deleted."""
        _, floor = self._floors.get((tenant, passage.document_id), (0.0, 0))
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
