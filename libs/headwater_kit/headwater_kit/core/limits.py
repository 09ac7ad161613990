"""Work that may take so long and no longer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import DeadlineExceeded

T = TypeVar("T")


async def within(work: Coroutine[Any, Any, T], clock: Clock, seconds: float) -> T:
    """What the work returns or raises. Ends it, and raises DeadlineExceeded, where it takes longer on this clock."""
    working = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((working, timer), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise DeadlineExceeded(f"not done within {seconds:.1f} s: allow more time")
        return working.result()
    finally:
        working.cancel()
        timer.cancel()
