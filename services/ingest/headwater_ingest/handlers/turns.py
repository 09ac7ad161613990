"""Who of many that wait goes next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from headwater_kit.core.fairness import FairQueue


@dataclass(eq=False, slots=True)
class _Waiting:
    size_bytes: int
    granted: "asyncio.Future[None]"


class FairTurns:
    """Lets so many documents and bytes go at once, one tenant after the other.

    A tenant with a thousand documents waiting and one with a single document
    have their turns alternately. Whoever is first in turn is waited for, also
    where a smaller one would fit: nobody starves. One document always fits.
    """

    def __init__(self, max_documents: int, max_bytes: int) -> None:
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._documents = 0
        self._bytes = 0
        self._waiting: FairQueue[_Waiting] = FairQueue()

    @asynccontextmanager
    async def turn(self, tenant: str, size_bytes: int) -> AsyncIterator[None]:
        """Entered once it is this document's turn; held until it is left."""
        waiting = _Waiting(size_bytes, asyncio.get_running_loop().create_future())
        self._waiting.push(tenant, waiting)
        self._admit()
        try:
            await waiting.granted
            yield
        finally:
            self._leave(tenant, waiting)

    def _leave(self, tenant: str, waiting: _Waiting) -> None:
        if waiting.granted.done() and not waiting.granted.cancelled():
            self._documents -= 1
            self._bytes -= waiting.size_bytes
        else:
            self._waiting.remove(tenant, waiting)
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting.first().size_bytes):
            self._grant(self._waiting.pop())

    def _grant(self, waiting: _Waiting) -> None:
        if not waiting.granted.cancelled():
            self._documents += 1
            self._bytes += waiting.size_bytes
            waiting.granted.set_result(None)

    def _fits(self, size_bytes: int) -> bool:
        if self._documents == 0:
            return True
        return self._documents < self._max_documents and self._bytes + size_bytes <= self._max_bytes
