"""Holding writes for a moment, while searches change over to another collection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import DeadlineExceeded

# What is under way ends within some store writes; longer, and the store is away.
CLOSING_SECONDS = 10.0
LOOK_SECONDS = 0.01


class Gate:
    """Lets through as many as come, or nobody."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inside = 0
        self._opened = asyncio.Event()
        self._opened.set()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Waits while the gate is closed; what is done within is over before it closes."""
        while not self._opened.is_set():
            await self._opened.wait()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Nobody is inside, nor comes in, until this is left. Raises DeadlineExceeded where somebody stays inside."""
        self._opened.clear()
        try:
            until = self._clock.monotonic() + CLOSING_SECONDS
            while self._inside:
                if self._clock.monotonic() >= until:
                    raise DeadlineExceeded(f"writes did not end within {CLOSING_SECONDS:.0f} s")
                await self._clock.sleep(LOOK_SECONDS)
            yield
        finally:
            self._opened.set()
