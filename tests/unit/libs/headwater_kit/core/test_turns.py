"""Who gets a turn, who waits for one, and who is told to come back."""

import asyncio
import collections
import itertools

import pytest
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import Overloaded
from headwater_kit.core.turns import Turns
from headwater_kit.testing.clock import ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st

PATIENCE_SECONDS = 10.0


class Counter:
    """Something that takes `seconds` for each caller: side by side, or one after the other where it is `serial`."""

    def __init__(self, at_once: int, seconds: float, *, serial: bool) -> None:
        self.clock = ManualClock()
        self.turns = Turns(self.clock, at_once)
        self.seconds = seconds
        self.at_work = self.most = 0
        self.began: list[int] = []
        self.tenants: list[str] = []
        self.refused_at: list[float] = []
        self.retries_after_ms: list[int] = []
        self.answered_at: list[float] = []
        self._numbers = itertools.count()
        self._serial = asyncio.Semaphore(1 if serial else at_once)

    async def call(self, patience_seconds: float = PATIENCE_SECONDS, tenant: str = "") -> None:
        """One caller; what becomes of it is noted."""
        number, since = next(self._numbers), self.clock.monotonic()
        try:
            async with self.turns.turn(Deadline.after(self.clock, patience_seconds), tenant):
                self.tenants.append(tenant)
                await self._serve(number)
        except Overloaded as error:
            self.refused_at.append(self.clock.monotonic() - since)
            self.retries_after_ms.append(error.retry_after_ms)
        else:
            self.answered_at.append(self.clock.monotonic() - since)

    async def _serve(self, number: int) -> None:
        self.began.append(number)
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        async with self._serial:
            await self.clock.sleep(self.seconds)
        self.at_work -= 1

    async def burst(self, callers: int) -> None:
        """So many at once, until all are served or refused."""
        calls = [asyncio.create_task(self.call()) for _ in range(callers)]
        while not all(call.done() for call in calls):
            await self.clock.advance(self.seconds)
        await asyncio.gather(*calls)


async def test_no_more_work_at_once_and_the_others_come_in_their_order() -> None:
    counter = Counter(3, 1.0, serial=False)
    await counter.burst(9)
    assert (counter.most, counter.began) == (3, list(range(9)))
    assert counter.refused_at == []


async def test_who_cannot_be_answered_in_time_is_refused_at_once() -> None:
    counter = Counter(2, 0.1, serial=True)
    await counter.burst(1)
    await counter.burst(600)
    # Half of ten seconds, at ten a second, is for fifty.
    assert len(counter.answered_at) - 1 == 50
    assert max(counter.answered_at) == pytest.approx(5.0)
    assert set(counter.refused_at) == {0.0}
    assert set(counter.retries_after_ms) == {2_550}


async def test_turns_side_by_side_are_told_from_those_in_each_others_way() -> None:
    counter = Counter(4, 0.1, serial=False)
    for _ in range(40):
        await counter.burst(4)
    counter.answered_at.clear()
    await counter.burst(600)
    assert len(counter.answered_at) == pytest.approx(200, rel=0.3)
    assert max(counter.answered_at) < PATIENCE_SECONDS


async def test_a_free_turn_is_never_refused_however_slow_the_last_ones_were() -> None:
    counter = Counter(2, 60.0, serial=False)
    await counter.burst(2)
    counter.seconds = 0.1
    await counter.burst(2)
    assert counter.refused_at == []


async def test_what_became_slower_than_could_be_told_is_not_begun_in_vain() -> None:
    counter = Counter(1, 0.1, serial=True)
    await counter.burst(1)
    counter.seconds = 1.0
    await counter.burst(40)
    assert max(counter.answered_at) <= PATIENCE_SECONDS
    assert len(counter.refused_at) == 41 - len(counter.answered_at)


async def test_who_gives_up_frees_the_turn_and_the_place() -> None:
    counter = Counter(1, 1.0, serial=True)
    first, second = (asyncio.create_task(counter.call()) for _ in range(2))
    await counter.clock.settle()
    second.cancel()
    first.cancel()
    await asyncio.wait([first, second])
    await counter.burst(1)
    assert (counter.began, counter.most) == ([0, 2], 2)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 80), st.integers(1, 8), st.sampled_from([0.01, 0.1, 0.5, 1.0]), st.booleans(), st.integers(0, 30))
async def test_whoever_begins_ends_in_time(callers: int, at_once: int, seconds: float, serial: bool, warm: int) -> None:
    counter = Counter(at_once, seconds, serial=serial)
    for _ in range(warm):
        await counter.burst(1)
    await counter.burst(callers)
    assert len(counter.answered_at) + len(counter.refused_at) == warm + callers
    assert max(counter.answered_at) <= PATIENCE_SECONDS
    assert len(counter.answered_at) >= warm + min(callers, at_once)


async def test_a_single_caller_passes_the_crowd_of_another_tenant() -> None:
    counter = Counter(2, 1.0, serial=False)
    crowd = [asyncio.create_task(counter.call(tenant="crowd")) for _ in range(6)]
    await counter.clock.settle()
    crowd.append(asyncio.create_task(counter.call(tenant="alone")))
    for _ in range(4):
        await counter.clock.advance(1.0)
    await asyncio.gather(*crowd)
    assert counter.tenants == ["crowd", "crowd", "crowd", "alone", "crowd", "crowd", "crowd"]


async def test_a_crowd_is_refused_and_another_tenants_caller_is_not() -> None:
    counter = Counter(1, 1.0, serial=True)
    await counter.burst(1)
    calls = [asyncio.create_task(counter.call(tenant="crowd")) for _ in range(20)]
    await counter.clock.settle()
    # Five of them can be answered within half of ten seconds.
    assert len(counter.refused_at) == 15
    calls.append(asyncio.create_task(counter.call(tenant="alone")))
    for _ in range(8):
        await counter.clock.advance(1.0)
    await asyncio.gather(*calls)
    assert (len(counter.refused_at), counter.tenants.count("alone")) == (15, 1)
    assert max(counter.answered_at) <= PATIENCE_SECONDS


class Crowd:
    """Callers of several tenants, who work until they are let go."""

    def __init__(self, at_once: int) -> None:
        self.clock = ManualClock()
        self.turns = Turns(self.clock, at_once)
        self.calls: list[asyncio.Task[None]] = []
        self.at_work: list[asyncio.Event] = []
        self.waiting: collections.Counter[str] = collections.Counter()
        # How often a tenant that waits saw another one begin.
        self.passed: dict[str, collections.Counter[str]] = {}

    async def call(self, tenant: str) -> None:
        leave, has_begun = asyncio.Event(), False
        self.waiting[tenant] += 1
        try:
            async with self.turns.turn(Deadline.after(self.clock, PATIENCE_SECONDS), tenant):
                has_begun = True
                self._begin(tenant)
                self.at_work.append(leave)
                await leave.wait()
        finally:
            if has_begun:
                self.at_work.remove(leave)
            else:
                self._leave(tenant)

    def _begin(self, tenant: str) -> None:
        self._leave(tenant)
        self.passed.pop(tenant, None)
        for other in self.waiting - collections.Counter({tenant: self.waiting[tenant]}):
            self.passed.setdefault(other, collections.Counter())[tenant] += 1

    def _leave(self, tenant: str) -> None:
        self.waiting[tenant] -= 1
        if not self.waiting[tenant]:
            self.passed.pop(tenant, None)


# A caller of a tenant comes; the caller who came last gives up; so many of those at work end.
STEPS = st.lists(st.one_of(st.sampled_from("abc"), st.none(), st.integers(1, 3)), max_size=60)


@settings(deadline=None, max_examples=100)
@given(STEPS, st.integers(1, 3))
async def test_tenants_that_wait_take_turns_and_no_turn_is_lost(steps: list[str | int | None], at_once: int) -> None:
    crowd = Crowd(at_once)
    for step in steps:
        if isinstance(step, str):
            crowd.calls.append(asyncio.create_task(crowd.call(step)))
        elif step is not None:
            for leave in crowd.at_work[:step]:
                leave.set()
        elif crowd.calls:
            crowd.calls.pop().cancel()
        await crowd.clock.settle()
        assert len(crowd.at_work) == min(at_once, len(crowd.at_work) + crowd.waiting.total())
        assert all(count <= 1 for seen in crowd.passed.values() for count in seen.values())
    for call in crowd.calls:
        call.cancel()
    await crowd.clock.settle()
    last = [asyncio.create_task(crowd.call("a")) for _ in range(at_once)]
    await crowd.clock.settle()
    assert len(crowd.at_work) == at_once
    for call in last:
        call.cancel()
    await crowd.clock.settle()
