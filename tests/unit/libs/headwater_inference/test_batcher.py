import asyncio
import os
import sys
import threading
from collections.abc import Sequence

import pytest
from headwater_inference.batcher import Batcher, BatchPolicy
from headwater_inference.ports import Lane, WhenFull
from headwater_inference.priority import BULK_NICE
from headwater_inference.testing.stepping import StepExecutor
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, InvalidInput, Overloaded, Unavailable
from headwater_kit.testing.clock import ManualClock


class Bench:
    """A batcher whose workers are stepped by hand; a payload is its own length, its result its negative."""

    def __init__(
        self,
        workers: int = 1,
        batch_tokens: int = 100,
        batch_items: int = 1,
        queued: int = 100,
        for_queries: int = 0,
        for_bulk: int = 0,
    ) -> None:
        self.clock = ManualClock()
        self.executor = StepExecutor()
        self.batches: list[list[int]] = []
        policy = BatchPolicy(workers, for_queries, for_bulk, batch_tokens, batch_items, queued)
        self.batcher: Batcher[int, int] = Batcher(self.run, lambda size: size, policy, self.clock, self.executor)

    def run(self, batch: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(batch))
        if 13 in batch:
            raise ValueError("thirteen")
        return [-size for size in batch]

    async def call(
        self,
        sizes: Sequence[int],
        lane: Lane = Lane.LIVE,
        when_full: WhenFull = WhenFull.REFUSE,
        seconds: float | None = None,
    ) -> "asyncio.Task[Sequence[int]]":
        deadline = None if seconds is None else Deadline.after(self.clock, seconds)
        task = asyncio.create_task(self.batcher.submit(sizes, lane, when_full, deadline))
        await self.clock.settle()
        return task

    async def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.executor.step()
            await self.clock.settle()

    async def drain(self) -> None:
        while self.executor.pending:
            await self.step()

    @property
    def ran(self) -> list[int]:
        return [size for batch in self.batches for size in batch]


async def test_results_come_in_the_callers_order_though_the_longest_run_first() -> None:
    bench = Bench()
    call = await bench.call([5, 30, 10])
    await bench.drain()
    assert await call == [-5, -30, -10]
    assert bench.ran == [30, 10, 5]


async def test_an_idle_worker_starts_at_once() -> None:
    bench = Bench()
    await bench.call([5])
    assert len(bench.executor.pending) == 1  # no time has passed


async def test_no_more_batches_run_than_there_are_workers() -> None:
    bench = Bench(workers=2)
    await bench.call([1] * 5)
    assert len(bench.executor.pending) == bench.batcher.load().running_batches == 2


async def test_no_payloads_need_no_worker() -> None:
    assert await Bench().batcher.submit([], Lane.QUERY) == ()


async def test_queries_overtake_what_has_not_started() -> None:
    bench = Bench()
    await bench.call([20, 20], Lane.BACKFILL)
    await bench.call([10], Lane.LIVE)
    await bench.call([2], Lane.QUERY)
    await bench.drain()
    assert bench.ran == [20, 2, 10, 20]


async def test_a_query_waits_for_no_text_that_runs_and_nobody_else_takes_its_worker() -> None:
    bench = Bench(workers=1, queued=400, for_queries=1)
    backfill = await bench.call([90, 80], Lane.BACKFILL)
    await bench.call([50], Lane.LIVE)
    assert bench.batcher.load().running_batches == 1
    query = await bench.call([2], Lane.QUERY)
    second = await bench.call([3], Lane.QUERY)
    assert bench.batcher.load().running_batches == 2  # the second query waits: each worker has one
    bench.executor.pending.rotate(1)  # the text's batch still runs
    await bench.step()
    assert await query == [-2]
    await bench.drain()
    assert await second == [-3]
    assert await backfill == [-90, -80]


async def test_bulk_has_workers_of_its_own_and_no_others() -> None:
    bench = Bench(workers=1, queued=400, for_bulk=1)
    backfill = await bench.call([90, 80], Lane.BACKFILL)
    assert bench.batcher.load().running_batches == 1  # the free worker leaves bulk to its own
    live = await bench.call([50], Lane.LIVE)
    assert bench.batcher.load().running_batches == 2
    await bench.call([40], Lane.LIVE)
    bench.executor.pending.rotate(1)  # the bulk's batch still runs
    await bench.step()
    assert await live == [-50]
    await bench.drain()
    assert await backfill == [-90, -80]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority by thread")
async def test_bulk_stands_back_and_nobody_else() -> None:
    def nice(batch: Sequence[int]) -> Sequence[int]:
        return [os.getpriority(os.PRIO_PROCESS, threading.get_native_id())] * len(batch)

    clock = SystemClock()
    batcher: Batcher[int, int] = Batcher(nice, lambda size: size, BatchPolicy(query_workers=1, bulk_workers=1), clock)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    found = [await batcher.submit([1], lane) for lane in Lane]
    await batcher.close(Deadline.after(clock, 5.0))
    assert found == [[own], [own], [max(own, BULK_NICE)]]


async def test_a_flood_of_queries_keeps_nobody_out() -> None:
    bench = Bench(workers=2, queued=1_000, for_queries=1)
    for _ in range(100):
        await bench.call([10], Lane.QUERY)
    await bench.call([20], Lane.LIVE)
    await bench.call([30], Lane.BACKFILL)
    await bench.drain()
    assert bench.ran.index(20) <= 12  # 80 tokens of queries earn it its turn, and three run by then
    assert bench.ran.index(30) <= 52


async def test_batches_form_while_the_workers_are_busy() -> None:
    bench = Bench(batch_tokens=20, batch_items=8)
    calls = [await bench.call([size]) for size in (1, 8, 7, 6)]
    await bench.drain()
    assert bench.batches == [[1], [8, 7], [6]]
    assert [await call for call in calls] == [[-1], [-8], [-7], [-6]]


async def test_a_batch_is_of_like_lengths_and_counts_its_padding() -> None:
    bench = Bench(batch_tokens=30, batch_items=8)
    calls = [await bench.call([size]) for size in (1, 10, 2, 9, 8, 2)]
    await bench.drain()
    assert bench.batches == [[1], [10, 9, 8], [2, 2]]
    assert [await call for call in calls] == [[-size] for size in (1, 10, 2, 9, 8, 2)]


async def test_a_full_lane_refuses_and_says_when_to_come_back() -> None:
    bench = Bench(queued=100)
    await bench.call([50])  # running, no longer queued
    await bench.call([60])
    with pytest.raises(Overloaded) as refused:
        await bench.batcher.submit([41], Lane.LIVE)
    assert refused.value.retry_after_ms >= 10
    assert await (await bench.call([])) == ()


async def test_a_full_lane_does_not_shut_out_another() -> None:
    bench = Bench(queued=100)
    await bench.call([50], Lane.BACKFILL)
    await bench.call([100], Lane.BACKFILL)
    query = await bench.call([10], Lane.QUERY)
    await bench.drain()
    assert await query == [-10]


async def test_those_who_would_wait_are_let_in_by_turns() -> None:
    bench = Bench(queued=100)
    calls = [await bench.call([size], when_full=WhenFull.WAIT) for size in (50, 90, 80, 5)]
    assert bench.batcher.load().waiting_calls == 2  # 5 would fit, but came after 80
    with pytest.raises(Overloaded):
        await bench.batcher.submit([5], Lane.LIVE)
    await bench.drain()
    assert [await call for call in calls] == [[-50], [-90], [-80], [-5]]
    assert bench.ran == [50, 90, 80, 5]


async def test_a_call_that_could_never_fit_is_an_input_fault() -> None:
    with pytest.raises(InvalidInput, match="fewer texts"):
        await Bench(queued=100).batcher.submit([60, 41], Lane.LIVE, WhenFull.WAIT)


async def test_a_cancelled_call_frees_its_place_and_never_starts() -> None:
    bench = Bench(queued=100)
    running = await bench.call([10])
    doomed = await bench.call([90])
    waiting = await bench.call([20], when_full=WhenFull.WAIT)
    doomed.cancel()
    await bench.clock.settle()
    assert bench.batcher.load().waiting_calls == 0
    await bench.drain()
    assert bench.ran == [10, 20]
    assert [await running, await waiting] == [[-10], [-20]]


async def test_a_cancelled_waiter_is_not_let_in() -> None:
    bench = Bench(queued=100)
    await bench.call([10])
    await bench.call([90])
    waiting = await bench.call([20], when_full=WhenFull.WAIT)
    waiting.cancel()
    await bench.drain()
    assert bench.ran == [10, 90]


async def test_a_deadline_answers_the_caller_and_drops_the_work() -> None:
    bench = Bench()
    await bench.call([10])
    late = await bench.call([20], seconds=1.0)
    await bench.clock.advance(1.0)
    with pytest.raises(DeadlineExceeded):
        await late
    await bench.drain()
    assert bench.ran == [10]


async def test_a_passed_deadline_is_not_even_queued() -> None:
    bench = Bench()
    deadline = Deadline.after(bench.clock, 0.0)
    with pytest.raises(DeadlineExceeded):
        await bench.batcher.submit([1], Lane.QUERY, deadline=deadline)
    assert not bench.executor.pending


async def test_one_bad_payload_fails_its_own_call_alone() -> None:
    bench = Bench(batch_items=8)
    await bench.call([1])
    bad, good = await bench.call([13, 2]), await bench.call([12])
    await bench.drain()
    with pytest.raises(ValueError, match="thirteen"):
        await bad
    assert await good == [-12]
    assert bench.batches[1:4] == [[13, 12], [13], [12]]


async def test_the_rest_of_a_failed_call_is_not_run() -> None:
    bench = Bench()
    bad = await bench.call([20, 13, 5, 4])
    await bench.drain()
    with pytest.raises(ValueError, match="thirteen"):
        await bad
    assert bench.ran == [20, 13]


async def test_a_run_that_loses_a_result_fails_the_call() -> None:
    bench = Bench()
    bench.batcher = Batcher(lambda _: [], lambda size: size, BatchPolicy(), bench.clock, bench.executor)
    call = await bench.call([1])
    await bench.drain()
    with pytest.raises(RuntimeError, match="0 results"):
        await call


async def test_close_finishes_what_it_has_and_refuses_the_rest() -> None:
    bench = Bench(queued=100)
    calls = [await bench.call([size], when_full=WhenFull.WAIT) for size in (50, 90, 80)]
    closing = asyncio.create_task(bench.batcher.close(Deadline.after(bench.clock, 5.0)))
    await bench.clock.settle()
    with pytest.raises(Unavailable):
        await bench.batcher.submit([1], Lane.QUERY)
    await bench.drain()
    await closing
    assert [await call for call in calls] == [[-50], [-90], [-80]]


async def test_close_keeps_its_deadline_and_answers_everybody() -> None:
    bench = Bench(queued=100)
    calls = [await bench.call([size], when_full=WhenFull.WAIT) for size in (50, 90, 80)]
    closing = asyncio.create_task(bench.batcher.close(Deadline.after(bench.clock, 5.0)))
    await bench.clock.advance(5.0)
    await closing
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)


async def test_closing_an_idle_one_returns_at_once() -> None:
    bench = Bench()
    await bench.batcher.close(Deadline.after(bench.clock, 5.0))


async def test_its_own_threads_do_the_work() -> None:
    clock = SystemClock()
    batcher: Batcher[int, int] = Batcher(lambda b: [-n for n in b], lambda n: n, BatchPolicy(workers=2), clock)
    calls = [batcher.submit(list(range(1, 30)), lane) for lane in Lane]
    assert await asyncio.gather(*calls) == [[-n for n in range(1, 30)]] * 3
    await batcher.close(Deadline.after(clock, 5.0))
