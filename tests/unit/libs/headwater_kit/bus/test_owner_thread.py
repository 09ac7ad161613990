import asyncio
import threading
from concurrent.futures import Future
from functools import partial

import pytest
from headwater_kit.bus.kafka.thread import OwnerThread
from headwater_kit.core.errors import Unavailable


def _note(order: list[int], number: int) -> int:
    order.append(number)
    return threading.get_ident()


@pytest.fixture
def thread() -> OwnerThread:
    return OwnerThread("test")


async def test_calls_run_in_one_other_thread_in_order(thread: OwnerThread) -> None:
    order: list[int] = []
    idents = await asyncio.gather(*(thread.call(partial(_note, order, number)) for number in range(20)))
    assert order == list(range(20))
    assert len(set(idents)) == 1
    assert threading.get_ident() not in idents
    thread.end()


async def test_what_a_call_raises_is_raised_to_its_caller_alone(thread: OwnerThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0)
    assert await thread.call(lambda: 1) == 1
    thread.end()


async def test_nested_calls_run_within_the_call_that_serves_them_and_others_after_it(thread: OwnerThread) -> None:
    order: list[str] = []
    done: Future[None] = Future()

    def outer() -> None:
        thread.serve_until(done)
        order.append("outer")

    serving = thread.post(outer)
    other = thread.post(lambda: order.append("other"))
    await thread.call(lambda: order.append("nested"), nested=True)
    done.set_result(None)
    await asyncio.gather(asyncio.wrap_future(serving), asyncio.wrap_future(other))
    assert order == ["nested", "outer", "other"]
    thread.end()


async def test_after_the_end_calls_are_refused_and_earlier_ones_done(thread: OwnerThread) -> None:
    earlier = thread.post(lambda: 1)
    thread.end()
    assert await asyncio.wrap_future(earlier) == 1
    with pytest.raises(Unavailable):
        await thread.call(lambda: 2)
