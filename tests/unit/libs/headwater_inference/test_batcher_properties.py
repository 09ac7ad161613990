"""Whatever callers do, each call is answered once and no bound is passed."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater_inference.batcher import Batcher, BatchPolicy
from headwater_inference.lanes import LIKE_LENGTH
from headwater_inference.ports import Lane, WhenFull
from headwater_inference.testing.stepping import StepExecutor
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded, InvalidInput, Overloaded, Unavailable
from headwater_kit.testing.clock import ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st

QUEUED = 300
Payload = tuple[int, int, int]  # call number, place in the call, tokens
EXPECTED = (DeadlineExceeded, InvalidInput, Overloaded)


@dataclass(frozen=True)
class Submit:
    lane: Lane
    sizes: list[int]
    when_full: WhenFull
    seconds: float | None


@dataclass(frozen=True)
class Cancel:
    call: int


@dataclass(frozen=True)
class Advance:
    seconds: float


class Step:
    pass


SUBMIT = st.builds(
    Submit,
    st.sampled_from(Lane),
    st.lists(st.integers(1, 120), min_size=1, max_size=5),
    st.sampled_from(WhenFull),
    st.none() | st.floats(0.5, 3.0),
)
CANCEL = st.builds(Cancel, st.integers(0, 20))
ACTION = SUBMIT | SUBMIT | SUBMIT | st.builds(Step) | CANCEL | st.builds(Advance, st.just(0.4))
POLICY = st.builds(
    BatchPolicy,
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(50, 200),
    st.integers(1, 4),
    st.just(QUEUED),
)


@dataclass
class World:
    policy: BatchPolicy
    clock: ManualClock = field(default_factory=ManualClock)
    executor: StepExecutor = field(default_factory=StepExecutor)
    ran: Counter[Payload] = field(default_factory=Counter)
    calls: "list[tuple[list[Payload], asyncio.Task[Sequence[Payload]]]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.batcher: Batcher[Payload, Payload] = Batcher(
            self.run, lambda payload: payload[2], self.policy, self.clock, self.executor
        )

    def run(self, batch: Sequence[Payload]) -> Sequence[Payload]:
        assert len(batch) <= self.policy.max_batch_items
        lengths = [tokens for _, _, tokens in batch]
        assert len(batch) == 1 or max(lengths) * len(batch) <= self.policy.max_batch_tokens
        assert min(lengths) >= LIKE_LENGTH * max(lengths)
        self.ran.update(batch)
        return batch

    async def do(self, action: object) -> None:
        match action:
            case Submit(lane, sizes, when_full, seconds):
                payloads = [(len(self.calls), place, size) for place, size in enumerate(sizes)]
                deadline = None if seconds is None else Deadline.after(self.clock, seconds)
                call = self.batcher.submit(payloads, lane, when_full, deadline)
                self.calls.append((payloads, asyncio.create_task(call)))
            case Cancel(call) if self.calls:
                self.calls[call % len(self.calls)][1].cancel()
            case Advance(seconds):
                await self.clock.advance(seconds)
            case Step():
                self.executor.step()
        await self.clock.settle()
        self.check_bounds()

    def check_bounds(self) -> None:
        load, policy = self.batcher.load(), self.policy
        queued = load.queued_tokens
        assert max(queued.values()) <= QUEUED
        assert (
            len(self.executor.pending)
            == load.running_batches
            <= policy.workers + policy.query_workers + policy.bulk_workers
        )
        assert load.running_batches >= policy.workers or not queued[Lane.LIVE], "a worker idles"
        assert load.running_batches >= (policy.bulk_workers or policy.workers) or not queued[Lane.BACKFILL], "one idles"
        assert load.running_batches >= policy.workers + policy.query_workers or not queued[Lane.QUERY], "a query waits"
        assert load.waiting_calls == 0 or any(queued.values()), "a call waits for room that is there"
        unanswered = any(not task.done() for _, task in self.calls)
        assert unanswered or not any(queued.values()), "work waits that nobody waits for"

    def check_answers(self, expected: tuple[type[BaseException], ...]) -> None:
        assert all(count == 1 for count in self.ran.values()), "a payload ran twice"
        for payloads, task in self.calls:
            assert task.done(), "a call was never answered"
            if task.cancelled() or task.exception():
                assert task.cancelled() or isinstance(task.exception(), expected)
            else:
                assert list(task.result()) == payloads
                assert all(self.ran[payload] == 1 for payload in payloads)


@settings(max_examples=60, deadline=None)
@given(POLICY, st.lists(ACTION, max_size=30), st.booleans())
def test_each_call_is_answered_once_and_bounds_hold(policy: BatchPolicy, actions: list[object], patient: bool) -> None:
    async def scenario() -> None:
        world = World(policy)
        for action in actions:
            await world.do(action)
        closing = asyncio.create_task(world.batcher.close(Deadline.after(world.clock, 5.0)))
        await world.clock.settle()
        while patient and world.executor.step():
            await world.clock.settle()
        await world.clock.advance(5.0)
        await closing
        world.check_answers(EXPECTED if patient else (*EXPECTED, Unavailable))

    asyncio.run(scenario())
