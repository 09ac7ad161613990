"""The task that a component runs in the background, from its start to its stop."""

import asyncio


async def finished(task: "asyncio.Task[None] | None") -> None:
    """Returns when the task has been cancelled or is done, at once where none was begun; raises what it died of."""
    if task is not None:
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def cancel(task: "asyncio.Task[None] | None", seconds: float | None = None) -> None:
    """Cancels the task and waits for its end, `seconds` at most; raises nothing of the task's."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task], timeout=seconds)
