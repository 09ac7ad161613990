import asyncio

import pytest
from headwater_kit.core.tasks import cancel, finished


async def endless() -> None:
    await asyncio.Event().wait()


async def test_where_nothing_was_begun_there_is_nothing_to_wait_for() -> None:
    await finished(None)
    await cancel(None)


async def test_what_a_task_dies_of_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("defect")

    with pytest.raises(ValueError, match="defect"):
        await finished(asyncio.create_task(fail()))


async def test_a_cancelled_task_is_an_end_like_any_other() -> None:
    task = asyncio.create_task(endless())
    waiting = asyncio.create_task(finished(task))
    await asyncio.sleep(0)
    await cancel(task)
    await waiting
    assert task.cancelled()


async def test_a_task_that_does_not_end_is_waited_for_so_long_and_no_longer() -> None:
    over = asyncio.Event()

    async def stubborn() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await cancel(task, 0.01)
    assert not task.done()
    over.set()
    await task
