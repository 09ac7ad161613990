"""A tenant changes hands: however late either side is, all come to the same, and that is what is served."""

from contextlib import suppress
from functools import partial

import pytest
from headwater_feedback.adapters.gate_memory import MemoryGateLog
from headwater_feedback.domain.chronicle import Chronicle, name_of
from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.handlers.gating import Gates
from headwater_kit.auth.snapshots import sign
from headwater_kit.core.documents import Position, Principal
from headwater_kit.core.errors import NotFound, Unavailable
from headwater_kit.core.learning import Arm, BanditModel, GateDecided, GateDecision, ModelName, ModelPublished
from headwater_kit.testing.clock import ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.services.feedback.closed_lists import closed, item

TENANT, BANDIT = "acme", ("bandit", "fusion")
OPERATOR = Principal(TENANT, "olga")
LIVE = ModelName(TENANT, *BANDIT)


def example(number: int) -> Example:
    return Example(closed([item(1)], {1: 1.0}, impression_id=f"i{number}").event, Position(0, number))


def trained(number: int) -> Trained:
    """What is learned from so many examples, whoever reads them."""
    return Trained(BanditModel(TENANT, "fusion", (Arm("a", {}, successes=number),)), Position(0, number), number)


class Replica:
    """A process that reads both logs, each as far as it has come."""

    def __init__(self, log: MemoryGateLog) -> None:
        self.log = log
        self.owns = False
        self.taken = self.read = 0
        self.gates = Gates(log, log, partial(sign, key=None), owns=lambda _: self.owns, clock=ManualClock(), places=log)
        self.is_astray = False
        self.gates.astray = self.stray

    def stray(self, _: str) -> None:
        self.is_astray = True

    def take(self) -> None:
        self.taken += 1
        self.gates.take(example(self.taken))
        self.gates.offer(TENANT, trained(self.taken))

    def hear(self) -> None:
        if self.read < len(self.log.decided):
            self.read += 1
            self.gates.record(self.log.decided[self.read - 1])

    def refold(self) -> None:
        gate = self.gates.fresh(TENANT)
        gate.decides = False
        for number in range(1, self.taken + 1):
            gate.take(example(number))
            gate.offer(trained(number))
        gate.reach(self.taken)
        self.is_astray = False
        self.gates.replace(gate)

    async def roll_back(self) -> None:
        with suppress(NotFound, Unavailable):
            await self.gates.roll_back(*BANDIT, OPERATOR)

    async def settle(self) -> None:
        """Reads and writes until there is no more to read or write."""
        for _ in range(50):
            while self.read < len(self.log.decided):
                self.hear()
            if self.is_astray:
                self.refold()
            if not await self.gates.publish() and self.read == len(self.log.decided) and not self.is_astray:
                return
        raise AssertionError("it never comes to rest")

    @property
    def live(self) -> str:
        return self.gates.of(TENANT).slots[BANDIT].live


STEPS = ["take", "hear", "refold", "publish", "own", "lose", "roll_back"]


async def step(replica: Replica, name: str) -> None:
    match name:
        case "publish":
            await replica.gates.publish()
        case "roll_back":
            await replica.roll_back()
        case "own" | "lose":
            replica.owns = name == "own"
        case _:
            getattr(replica, name)()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(STEPS)), max_size=40))
async def test_two_who_both_think_a_tenant_theirs_end_where_the_log_says(steps: list[tuple[bool, str]]) -> None:
    log = MemoryGateLog()
    left, right = Replica(log), Replica(log)
    for is_left, name in steps:
        await step(left if is_left else right, name)
    left.owns, right.owns = True, False
    for replica in (left, right):
        while replica.taken < max(left.taken, right.taken, 1):
            replica.take()
        replica.gates.begin()
    for replica in (right, left, right):
        await replica.settle()
    left.gates.begin()
    await left.settle()
    await right.settle()
    anew = Replica(log)
    for _ in log.decided:
        anew.hear()
    anew.taken = left.taken
    anew.refold()
    assert left.live == right.live == anew.live
    assert [model.stamp.snapshot_id for name, model in log.models.items() if model.stamp and name == LIVE] == (
        [left.live] if left.live else []
    )


class MovingLog(MemoryGateLog):
    """Something else comes to stand on it, and a review with it, while the first of a comparison is written."""

    def __init__(self) -> None:
        super().__init__()
        self.replica: Replica | None = None

    async def publish(self, model: ModelPublished) -> None:
        await super().publish(model)
        if (replica := self.replica) is not None:
            self.replica = None
            self.models.clear()
            replica.gates.begin()


async def test_a_review_during_a_comparison_is_compared_as_well() -> None:
    log = MovingLog()
    replica = Replica(log)
    replica.owns = True
    replica.take()
    await replica.settle()
    assert log.models
    log.models.clear()
    log.replica = replica
    replica.gates.begin()
    await replica.gates.publish()
    assert log.models


async def test_a_comparison_that_fails_is_made_again() -> None:
    log = MemoryGateLog()
    replica = Replica(log)
    replica.owns = True
    replica.take()
    await replica.settle()
    log.models.clear()
    log.away = True
    replica.gates.begin()
    with pytest.raises(Unavailable):
        await replica.gates.publish()
    log.away = False
    await replica.gates.publish()
    assert log.models


def decided(number: int, follows: str = "", user: str = "") -> GateDecided:
    what = (TENANT, *BANDIT[:1], f"m{number}", "", GateDecision.PROMOTED, (), "")
    return GateDecided(*what, float(number), user, BANDIT[1], Position(0, number), follows)


def test_of_two_that_follow_the_same_one_the_first_counts_and_an_operators_always() -> None:
    chronicle = Chronicle()
    first = decided(1, chronicle.last)
    assert chronicle.add(first)
    assert not chronicle.add(decided(2, first.follows)), "it does not know of the first"
    assert not chronicle.add(first), "it came twice"
    assert chronicle.add(decided(3, first.follows, user="olga"))
    assert not chronicle.add(decided(4, name_of(first)))
    assert chronicle.add(decided(5)), "older builds do not say what it follows"
    assert [one.snapshot_id for one in chronicle] == ["m1", "m3", "m5"]


def test_what_was_decided_is_bounded_and_what_may_serve_is_kept() -> None:
    chronicle = Chronicle(most=20)
    other = GateDecided(TENANT, "ranker", "r", "", GateDecision.PROMOTED, (), "", 0.5, position=Position(0, 1))
    chronicle.add(other)
    for number in range(1, 100):
        chronicle.add(decided(number, chronicle.last))
    kept = [one.snapshot_id for one in chronicle]
    assert kept == ["r", *(f"m{number}" for number in range(71, 100))]


@pytest.mark.parametrize("taken", [0, 2])
async def test_a_model_whose_examples_are_gone_is_taken_back_at_the_start(taken: int) -> None:
    """A crash came between the user's being forgotten and the gate's decision about what they had taught."""
    log = MemoryGateLog()
    before = Replica(log)
    before.owns = True
    for _ in range(3):
        before.take()
        await before.settle()
    assert LIVE in log.models
    after = Replica(log)
    for _ in log.decided:
        after.hear()
    for number in range(1, taken + 1):
        # What was taught by others alone gives other models.
        after.gates.take(example(number))
    after.gates.begin()
    await after.settle()
    assert LIVE in log.models, "it is another process's"
    after.owns = True
    after.gates.begin()
    await after.settle()
    assert log.models == {}
    assert log.decided[-1].decision is GateDecision.ROLLED_BACK


async def test_what_does_not_stand_as_decided_is_written_again() -> None:
    log = MemoryGateLog()
    replica = Replica(log)
    replica.owns = True
    replica.take()
    await replica.settle()
    stood = log.models.pop(LIVE)
    replica.gates.begin()
    await replica.settle()
    assert log.holds(stood)
    count = len(log.decided)
    await replica.gates.publish()
    assert len(log.decided) == count, "nothing is decided by it"
