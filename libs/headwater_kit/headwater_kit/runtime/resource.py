"""Something to close when a service ends, such as a channel to a peer."""

from collections.abc import Awaitable, Callable

from headwater_kit.core.deadline import Deadline


class Resource:
    """A component that only needs closing; whether it works is seen when it is used."""

    def __init__(self, name: str, close: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self._close = close

    async def start(self) -> None:
        """There is nothing to start."""

    async def check(self) -> None:
        """Always healthy: a peer that is away must not make this service look away too."""

    async def stop(self, deadline: Deadline) -> None:
        """Closes it."""
        await self._close()
