"""Writes that share."""

import asyncio
from collections.abc import Sequence

import pytest
from headwater_kit.core.errors import InvalidInput, Unavailable
from headwater_vectors.group_commit import GroupCommit


class Sink:
    """Takes writes, each once `gate` is open; refuses what it is told to."""

    def __init__(self) -> None:
        self.writes: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.in_flight = 0
        self.refuse: dict[int, Exception] = {}

    async def write(self, items: Sequence[int]) -> int:
        """Returns how many."""
        self.in_flight += 1
        assert self.in_flight == 1
        try:
            await self.gate.wait()
            for item in items:
                if item in self.refuse:
                    raise self.refuse[item]
            self.writes.append(list(items))
            return len(items)
        finally:
            self.in_flight -= 1


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def commit(sink: Sink) -> GroupCommit[int, int]:
    return GroupCommit("write", sink.write, asyncio.Lock(), max_items=4)


async def submitted(commit: GroupCommit[int, int], *parts: list[int]) -> list[asyncio.Task[int | None]]:
    tasks = [asyncio.create_task(commit.submit(part)) for part in parts]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_one_caller_writes_at_once(commit: GroupCommit[int, int], sink: Sink) -> None:
    assert await commit.submit([1, 2]) == 2
    assert await commit.submit([]) is None
    assert sink.writes == [[1, 2]]


async def test_what_comes_meanwhile_goes_together(commit: GroupCommit[int, int], sink: Sink) -> None:
    sink.gate.clear()
    tasks = await submitted(commit, [1], [2], [3])
    sink.gate.set()
    await asyncio.gather(*tasks)
    assert sink.writes == [[1], [2, 3]] or sink.writes == [[1, 2, 3]]


async def test_a_write_is_bounded(commit: GroupCommit[int, int], sink: Sink) -> None:
    sink.gate.clear()
    tasks = await submitted(commit, [0], [1, 2], [3, 4], [5, 6], list(range(10, 20)))
    sink.gate.set()
    await asyncio.gather(*tasks)
    assert max(len(write) for write in sink.writes if 10 not in write) <= 4
    assert sorted(item for write in sink.writes for item in write) == [*range(7), *range(10, 20)]


async def test_bad_items_fail_their_own_caller_alone(commit: GroupCommit[int, int], sink: Sink) -> None:
    sink.refuse = {2: InvalidInput("no")}
    sink.gate.clear()
    tasks = await submitted(commit, [1], [2], [3])
    sink.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [int, InvalidInput, int]
    assert sorted(item for write in sink.writes for item in write) == [1, 3]


async def test_a_store_that_is_away_fails_all_and_then_works_again(commit: GroupCommit[int, int], sink: Sink) -> None:
    sink.refuse = {2: Unavailable("away")}
    sink.gate.clear()
    tasks = await submitted(commit, [2], [2, 3], [4])
    sink.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results[:2])
    sink.refuse = {}
    await commit.submit([5])
    assert sink.writes[-1] == [5]


async def test_a_cancelled_leader_leaves_the_others_an_answer(commit: GroupCommit[int, int], sink: Sink) -> None:
    sink.gate.clear()
    leader, first, second = await submitted(commit, [1], [2], [3])
    leader.cancel()
    await asyncio.sleep(0)
    sink.gate.set()
    results = await asyncio.gather(leader, first, second, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    for result in results[1:]:
        assert isinstance(result, int | Unavailable)


async def test_a_leader_cancelled_while_it_writes_apart_leaves_the_others_an_answer() -> None:
    apart = asyncio.Event()

    async def write(items: Sequence[int]) -> int:
        if len(items) > 1:
            raise InvalidInput("no")
        apart.set()
        await asyncio.Event().wait()
        return len(items)

    lock = asyncio.Lock()
    commit = GroupCommit("write", write, lock, max_items=4)
    async with lock:
        leader, other = await submitted(commit, [1], [2])
    await apart.wait()
    leader.cancel()
    with pytest.raises(Unavailable):
        await other


async def test_a_cancelled_waiter_does_not_hold_up_the_rest(commit: GroupCommit[int, int], sink: Sink) -> None:
    sink.gate.clear()
    leader, waiter, other = await submitted(commit, [1], [2], [3])
    waiter.cancel()
    sink.gate.set()
    await asyncio.gather(leader, waiter, other, return_exceptions=True)
    assert 3 in [item for write in sink.writes for item in write]
