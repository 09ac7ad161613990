"""When events are done with, by `indexed.v1`."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headwater_kit.bus.waiting import wait_all
from headwater_kit.codec.events import decode
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Position
from headwater_kit.core.events import DocumentIndexed

from headwater_ingest.adapters.merging import Seen
from headwater_ingest.domain.watching import applied

# Finals kept for those who ask a moment later, after their produce was acknowledged.
MAX_RECENT = 4096


class TopicFinals:
    """A `ports.Finals`; decodes records only while somebody expects one."""

    def __init__(self, read_indexed: Callable[[bytes], bytes | None], clock: Clock) -> None:
        self._read_indexed = read_indexed
        self._clock = clock
        self._expecting = 0
        self._recent: OrderedDict[Position, None] = OrderedDict()
        self._waiting: dict[Position, asyncio.Future[None]] = {}

    @contextmanager
    def expecting(self) -> Iterator[None]:
        self._expecting += 1
        try:
            yield
        finally:
            self._expecting -= 1
            if not self._expecting:
                self._recent.clear()

    async def reached(self, key: DocumentKey | None, position: Position, deadline: Deadline) -> bool:
        if position in self._recent or (key is not None and self._is_past(key, position)):
            return True
        final = self._waiting.setdefault(position, asyncio.get_running_loop().create_future())
        try:
            await wait_all([final], self._clock, deadline.remaining())
        finally:
            if not final.done():
                self._waiting.pop(position, None)
        return final.done()

    def on_indexed(self, seen: Seen) -> None:
        """A record of `indexed.v1`."""
        if not self._expecting:
            return
        state = applied(decode(DocumentIndexed, seen.value))
        if state is None:
            return
        self._recent[state.position] = None
        if len(self._recent) > MAX_RECENT:
            self._recent.popitem(last=False)
        if (waiting := self._waiting.pop(state.position, None)) and not waiting.done():
            waiting.set_result(None)

    def _is_past(self, key: DocumentKey, position: Position) -> bool:
        value = self._read_indexed(key.to_bytes())
        if value is None:
            return False
        last = decode(DocumentIndexed, value).provenance.position
        return last.partition == position.partition and last.offset >= position.offset
