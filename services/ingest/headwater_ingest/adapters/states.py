"""Document states, told from the topics to those who follow them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from headwater_kit.codec.events import decode
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import Overloaded
from headwater_kit.core.events import DocumentIndexed, LedgerEntry

from headwater_ingest.adapters.merging import Seen
from headwater_ingest.adapters.tails import ChainTails
from headwater_ingest.domain.watching import Progress, StateReached, accepted, applied

# States that a follower may be behind before it misses the oldest of them.
MAX_BEHIND = 16
RETRY_AFTER_MS = 1000
Read = Callable[[bytes], bytes | None]


class _Follower:
    """States not yet taken by one watch."""

    def __init__(self, current: Iterable[StateReached]) -> None:
        self._waiting: deque[StateReached] = deque(current, maxlen=MAX_BEHIND)
        self._arrived = asyncio.Event()
        self._progress = Progress()
        for state in self._waiting:
            self._progress.begin(state)
            self._arrived.set()

    def tell(self, state: StateReached) -> None:
        self._waiting.extend(self._progress.news(state))
        self._arrived.set()

    async def states(self) -> AsyncIterator[StateReached]:
        while True:
            await self._arrived.wait()
            while self._waiting:
                yield self._waiting.popleft()
            self._arrived.clear()


class TopicStates:
    """A `ports.DocumentStates` over the tables of `ledger.v1` and `indexed.v1`, and the tails of the topics between."""

    def __init__(self, read_ledger: Read, read_indexed: Read, tails: ChainTails, max_followers: int) -> None:
        self._read_ledger = read_ledger
        self._read_indexed = read_indexed
        self._tails = tails
        self._max_followers = max_followers
        self._followers: dict[bytes, list[_Follower]] = {}
        self._count = 0

    @asynccontextmanager
    async def follow(self, key: DocumentKey) -> AsyncIterator[AsyncIterator[StateReached]]:
        if self._count >= self._max_followers:
            message = f"{self._max_followers} watches are open: come back later"
            raise Overloaded(message, retry_after_ms=RETRY_AFTER_MS)
        name = key.to_bytes()
        follower = _Follower(self._current(name))
        self._followers.setdefault(name, []).append(follower)
        self._count += 1
        try:
            with self._tails.watched():
                yield follower.states()
        finally:
            self._count -= 1
            self._followers[name].remove(follower)
            if not self._followers[name]:
                del self._followers[name]

    def last(self, key: DocumentKey) -> StateReached | None:
        return self._done(key.to_bytes())

    def on_ledger(self, seen: Seen) -> None:
        """A record of `ledger.v1`."""
        if seen.is_news and seen.key in self._followers:
            self._tell(seen.key, accepted(decode(LedgerEntry, seen.value)))

    def on_indexed(self, seen: Seen) -> None:
        """A record of `indexed.v1`."""
        if seen.key in self._followers and (state := applied(decode(DocumentIndexed, seen.value))):
            self._tell(seen.key, state)

    def on_chain(self, key: bytes, state: StateReached) -> None:
        """A version's last part on its way."""
        self._tell(key, state)

    def _tell(self, key: bytes, state: StateReached) -> None:
        for follower in self._followers.get(key, ()):
            follower.tell(state)

    def _current(self, key: bytes) -> list[StateReached]:
        """What the index did last, then what was accepted since."""
        entry, done = self._read_ledger(key), self._done(key)
        taken = accepted(decode(LedgerEntry, entry)) if entry else None
        if taken and done and done.answers(taken.position):
            taken = None
        return [state for state in (done, taken) if state]

    def _done(self, key: bytes) -> StateReached | None:
        indexed = self._read_indexed(key)
        return applied(decode(DocumentIndexed, indexed)) if indexed else None
