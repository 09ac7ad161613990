"""Document states, told from the topics to those who follow them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from headwater_kit.codec.events import decode
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import Overloaded
from headwater_kit.core.events import DocumentIndexed, LedgerEntry

from headwater_ingest.domain.watching import StateReached, accepted, applied

# States that a follower may be behind before it misses the oldest of them.
MAX_BEHIND = 16
RETRY_AFTER_MS = 1000
Read = Callable[[bytes], bytes | None]


class _Follower:
    """States not yet taken by one watch."""

    def __init__(self) -> None:
        self._waiting: deque[StateReached] = deque(maxlen=MAX_BEHIND)
        self._arrived = asyncio.Event()

    def tell(self, state: StateReached) -> None:
        self._waiting.append(state)
        self._arrived.set()

    async def states(self) -> AsyncIterator[StateReached]:
        while True:
            await self._arrived.wait()
            while self._waiting:
                yield self._waiting.popleft()
            self._arrived.clear()


class TopicStates:
    """A `ports.DocumentStates` over the tables of `ledger.v1` and `indexed.v1`."""

    def __init__(self, read_ledger: Read, read_indexed: Read, max_followers: int) -> None:
        self._read_ledger = read_ledger
        self._read_indexed = read_indexed
        self._max_followers = max_followers
        self._followers: dict[bytes, list[_Follower]] = {}
        self._count = 0

    @asynccontextmanager
    async def follow(self, key: DocumentKey) -> AsyncIterator[AsyncIterator[StateReached]]:
        if self._count >= self._max_followers:
            message = f"{self._max_followers} watches are open: come back later"
            raise Overloaded(message, retry_after_ms=RETRY_AFTER_MS)
        name = key.to_bytes()
        follower = _Follower()
        for state in self._current(name):
            follower.tell(state)
        self._followers.setdefault(name, []).append(follower)
        self._count += 1
        try:
            yield follower.states()
        finally:
            self._count -= 1
            self._followers[name].remove(follower)
            if not self._followers[name]:
                del self._followers[name]

    def on_ledger(self, key: bytes, value: bytes) -> None:
        """`ledger.v1` says `value` of `key`."""
        if key in self._followers:
            self._tell(key, accepted(decode(LedgerEntry, value)))

    def on_indexed(self, key: bytes, value: bytes) -> None:
        """`indexed.v1` says `value` of `key`."""
        if key in self._followers and (state := applied(decode(DocumentIndexed, value))):
            self._tell(key, state)

    def _tell(self, key: bytes, state: StateReached) -> None:
        for follower in self._followers.get(key, ()):
            follower.tell(state)

    def _current(self, key: bytes) -> list[StateReached]:
        """What the index did last, then what was accepted since."""
        entry, indexed = self._read_ledger(key), self._read_indexed(key)
        done = applied(decode(DocumentIndexed, indexed)) if indexed else None
        taken = accepted(decode(LedgerEntry, entry)) if entry else None
        if taken and done and done.answers(taken.position):
            taken = None
        return [state for state in (done, taken) if state]
