"""Holding writes for a moment, while searches change over to another collection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import DeadlineExceeded, Unavailable

# What is under way ends within some store writes; longer, and the store is away.
CLOSING_SECONDS = 10.0
# A change-over takes a few seconds. Longer, and it waits for the store; who waits for it has to say so in good time, or
# would be taken for a handler that hangs, and its record for poison.
PASSING_SECONDS = 60.0
LOOK_SECONDS = 0.01


class Gate:
    """Lets through as many as come, or nobody."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inside = 0
        self._is_closed = False

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Waits while the gate is closed; what is done within is over before it closes. Raises Unavailable."""
        until = self._clock.monotonic() + PASSING_SECONDS
        while self._is_closed:
            if self._clock.monotonic() >= until:
                raise Unavailable("writes wait for searches to change over to another collection")
            await self._clock.sleep(LOOK_SECONDS)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Nobody is inside, nor comes in, until this is left. Raises DeadlineExceeded where somebody stays inside."""
        self._is_closed = True
        try:
            until = self._clock.monotonic() + CLOSING_SECONDS
            while self._inside:
                if self._clock.monotonic() >= until:
                    raise DeadlineExceeded(f"writes did not end within {CLOSING_SECONDS:.0f} s")
                await self._clock.sleep(LOOK_SECONDS)
            yield
        finally:
            self._is_closed = False
