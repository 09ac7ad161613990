"""Waiting with a bound, on an injected clock."""

import asyncio
from collections.abc import Collection
from typing import Any

from headwater_kit.core.clock import Clock


async def wait_all(futures: Collection[asyncio.Future[Any]], clock: Clock, seconds: float) -> None:
    """Returns once all futures are done, or `seconds` have passed; cancels and raises nothing."""
    if not futures or seconds <= 0.0:
        return
    every = asyncio.ensure_future(asyncio.wait(futures))
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((every, timer), return_when=asyncio.FIRST_COMPLETED)
    finally:
        every.cancel()
        timer.cancel()
