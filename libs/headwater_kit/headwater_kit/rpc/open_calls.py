"""Calls under way, which end when what let them in holds no more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from headwater_kit.core.errors import Denied, Suspended


@dataclass(eq=False, slots=True)
class _OpenCall:
    check: Callable[[], None]
    timeout: asyncio.Timeout
    refusal: Denied | Suspended | None = None


class OpenCalls:
    """Those that were let in and have not ended. Owned by the event loop."""

    def __init__(self) -> None:
        self._calls: set[_OpenCall] = set()

    @asynccontextmanager
    async def while_it_holds(self, check: Callable[[], None]) -> AsyncIterator[None]:
        """Raises what `check` raised in a `review` while the call was under way: Denied or Suspended."""
        call = _OpenCall(check, asyncio.timeout(None))
        self._calls.add(call)
        try:
            async with call.timeout:
                yield
        except TimeoutError:
            if call.refusal is None:
                raise
            raise call.refusal from None
        finally:
            self._calls.discard(call)

    def review(self) -> None:
        """Asks each `check` again, and ends the calls for which it raises."""
        for call in [call for call in self._calls if call.refusal is None]:
            try:
                call.check()
            except (Denied, Suspended) as error:
                call.refusal = error
                call.timeout.reschedule(asyncio.get_running_loop().time())
