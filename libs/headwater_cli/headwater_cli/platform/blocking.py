"""Blocking work beside the event loop, which can be left behind."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# What is being done, and how much of it, from 0 to 1, where that is known.
Report = Callable[[str, float | None], None]


class Abandoned(Exception):
    """Nobody waits for the work any more; ends it at its next report."""


async def beside(work: Callable[[Report], T], report: Report) -> T:
    """Runs `work` in a thread of its own and returns what it returns; its reports come on the loop.

    On cancellation the caller goes on at once and the work ends at its next
    report; the thread does not keep the interpreter from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    abandoned = threading.Event()

    def forward(activity: str, share: float | None) -> None:
        if abandoned.is_set():
            raise Abandoned
        loop.call_soon_threadsafe(report, activity, share)

    def run() -> None:
        try:
            settle, outcome = done.set_result, work(forward)
        except Abandoned:
            return
        except Exception as error:
            settle, outcome = done.set_exception, error  # type: ignore[assignment]
        if not abandoned.is_set():
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, daemon=True).start()
    try:
        return await done
    finally:
        abandoned.set()
