"""Work under way, so that nobody begins it a second time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from headwater_kit.core.deadline import Deadline

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Flights(Generic[K, V]):
    """Values being made, by key: who asks for one meanwhile waits for it. Holds what is under way and nothing else.

    A maker that fails or is cancelled fails alone: those who waited make the
    values themselves.
    """

    def __init__(self) -> None:
        self._landing: dict[K, asyncio.Future[V | None]] = {}

    def __len__(self) -> int:
        return len(self._landing)

    async def values(
        self, keys: Collection[K], make: Callable[[Collection[K]], Awaitable[Mapping[K, V]]], deadline: Deadline
    ) -> Mapping[K, V]:
        """A value for each key; `make` is called with those that nobody makes already.

        Raises what `make` raises, and DeadlineExceeded where others take longer.
        """
        found: dict[K, V] = {}
        while missing := [key for key in dict.fromkeys(keys) if key not in found]:
            others = {key: self._landing[key] for key in missing if key in self._landing}
            own = [key for key in missing if key not in others]
            found |= await self._make(own, make) if own else {}
            if others:
                await asyncio.wait(others.values(), timeout=deadline.remaining())
                deadline.check()
            # A timer may ring a little early (uvloop's by half a millisecond); who is still on the way is asked again.
            landed = {key: future.result() for key, future in others.items() if future.done()}
            found |= {key: value for key, value in landed.items() if value is not None}
        return found

    async def _make(
        self, keys: Collection[K], make: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]
    ) -> Mapping[K, V]:
        landing = {key: asyncio.get_running_loop().create_future() for key in keys}
        self._landing |= landing
        made: Mapping[K, V] = {}
        try:
            made = await make(keys)
            return made
        finally:
            for key, future in landing.items():
                del self._landing[key]
                future.set_result(made.get(key))
