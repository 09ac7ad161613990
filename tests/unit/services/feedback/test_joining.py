"""Lists are closed and let go in time, and a crash at any point changes nothing of what is learned from."""

from dataclasses import replace

import pytest
from headwater_feedback.adapters.join_rows import SHOWN, MemoryRows, TableJoinStates
from headwater_feedback.adapters.kafka_log import training_key
from headwater_feedback.domain.join import JoinState, Terms
from headwater_feedback.domain.log_time import LogTime
from headwater_feedback.handlers import Joining, JoinPolicy
from headwater_kit.core.crash import POINTS, arm
from headwater_kit.core.impressions import FeedbackJoined, ImpressionClosed, Reaction
from headwater_kit.core.learning import Serving, ServingPolicy
from headwater_kit.testing.clock import ManualClock
from hypothesis import given
from hypothesis import strategies as st
from unit.services.feedback.shown import answer, feedback, impression
from unit.services.feedback.test_handlers import MemoryLog

TERMS = Terms(close_seconds=30.0, amend_seconds=100.0)
Example = FeedbackJoined | ImpressionClosed


class Crash(BaseException):
    """The process is gone."""


def die() -> None:
    raise Crash


class Fuse:
    """Crashes at the n-th write."""

    def __init__(self, writes: int = 1_000_000) -> None:
        self.left = writes

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


class FusedRows(MemoryRows):
    """Rows that outlive a crash, which comes before or after a write."""

    fuse = Fuse()

    async def write(self, key: str, value: bytes | None, record_key: str) -> None:
        self.fuse.burn()
        await super().write(key, value, record_key)
        self.fuse.burn()


class FusedLog(MemoryLog):
    fuse = Fuse()

    async def train(self, example: Example) -> None:
        self.fuse.burn()
        await super().train(example)
        self.fuse.burn()


class Life:
    """Rows and a log that outlive the joiner."""

    def __init__(self, policy: JoinPolicy | None = None) -> None:
        self.rows, self.log = FusedRows(), FusedLog()
        self.policy = policy or JoinPolicy(TERMS)
        self.light(1_000_000)

    def light(self, writes: int) -> None:
        self.rows.fuse = self.log.fuse = Fuse(writes)
        self.states = TableJoinStates(self.rows, self.policy.terms)
        self.joining = Joining(self.states, self.log, ManualClock(), self.policy)

    async def settle(self, now: float) -> int:
        return await self.joining.settle(lambda _: now)

    def last(self) -> dict[str, Example]:
        """The last revision of each example."""
        ranked = sorted(self.log.trained, key=lambda one: one.revision if isinstance(one, ImpressionClosed) else 0)
        return {"\x1f".join(training_key(one).split("\x1f")[:4]): one for one in ranked}


async def test_a_list_is_closed_once_and_let_go_after_the_time_for_amendments() -> None:
    life = Life()
    await life.joining.take("i", impression(), 0.0)
    await life.joining.take("i", feedback(2), 1.0)
    assert [await life.settle(now) for now in (29.9, 30.0, 129.9)] == [0, 1, 0]
    assert [(one.revision, one.judgements[1].label) for one in life.log.closed] == [(1, 1.0)]
    await life.joining.take("i", feedback(1, Reaction.DOWN, feedback_id="g", time=60.0), 60.0)
    assert [one.revision for one in life.log.closed] == [1, 2]
    assert [training_key(one).split("\x1f")[2:] for one in life.log.closed] == [["ann", "", "1"], ["ann", "", "2"]]
    assert await life.settle(130.0) == 1
    assert (dict(life.rows.values), len(life.log.closed)) == ({}, 2)


async def test_a_reaction_that_nothing_comes_for_ends_in_quarantine() -> None:
    life = Life()
    await life.joining.take("i", feedback(2), 1.0)
    assert await life.settle(130.9) == 0
    assert await life.settle(131.0) == 1
    assert [one.reason for one in life.log.quarantined] == ["UNKNOWN_IMPRESSION"]
    assert (dict(life.rows.values), life.log.trained) == ({}, [])


async def test_of_too_many_lists_the_oldest_are_closed_early_and_unknown_ones_go_first() -> None:
    life = Life(JoinPolicy(TERMS, max_states=2))
    for place in range(3):
        await life.joining.take(f"i{place}", replace(impression(), impression_id=f"i{place}"), float(place))
    await life.joining.take("unknown", feedback(1), 9.0)
    assert await life.settle(9.0) == 2
    assert [one.impression_id for one in life.states.waiting()] == ["i1", "i2"]
    assert [one.impression.impression_id for one in life.log.closed] == ["i0"]
    assert [one.reason for one in life.log.quarantined] == ["UNKNOWN_IMPRESSION"]


@pytest.mark.parametrize(("policy", "closed"), [(ServingPolicy.EXPLOIT, 0), (ServingPolicy.LEARN, 1)])
async def test_lists_without_reactions_may_be_left_out_but_not_those_for_learning(
    policy: ServingPolicy, closed: int
) -> None:
    life = Life(JoinPolicy(TERMS, unreacted_share=0.0))
    await life.joining.take("i", replace(impression(), serving=Serving(policy)), 0.0)
    await life.settle(30.0)
    assert len(life.log.closed) == closed
    await life.joining.take("i", feedback(1, time=40.0), 40.0)
    assert life.log.closed[-1].revision == 1


async def test_what_was_shown_is_written_once() -> None:
    life = Life()
    await life.joining.take("i", impression(), 0.0)
    shown = life.rows.values["i" + SHOWN]
    await life.joining.take("i", feedback(1), 1.0)
    assert life.rows.values["i" + SHOWN] is shown
    assert life.states.find("i") == impression()
    assert life.states.find("j") is None


async def test_rows_of_an_older_build_and_half_a_state_are_let_go() -> None:
    life = Life()
    life.rows.values["old"] = b'{"since": 1.0, "impression": null, "cited": null, "parked": []}'
    await life.states.put("i", JoinState(0.0, impression()))
    del life.rows.values["i"]
    life.states.reload()
    assert await life.settle(1.0) == 2
    assert dict(life.rows.values) == {}


async def test_another_processs_rows_are_left_to_it() -> None:
    class Shared(MemoryRows):
        def owns(self, record_key: str) -> bool:
            return record_key == "mine"

    states = TableJoinStates(Shared())
    for name in ("mine", "theirs"):
        await states.put(name, JoinState(0.0, impression()))
    states.reload()
    assert [one.impression_id for one in states.waiting()] == ["mine"]
    with pytest.raises(LookupError):
        states.find("theirs")


async def test_a_state_comes_back_as_it_was() -> None:
    rows = MemoryRows()
    reactions = (feedback(1), replace(feedback(0, Reaction.CORRECTION), text="\u00e4\n", value=0.5))
    state = JoinState(1.5, impression(), ("chunk-1",), 2.5, reactions, closed=True)
    await TableJoinStates(rows).put("i", state)
    assert TableJoinStates(rows).get("i") == state


async def test_the_logs_time_is_that_of_what_was_read_while_there_is_more() -> None:
    clock = ManualClock()
    time = LogTime(clock, idle_seconds=5.0)
    assert time.now(0) == 0.0
    past = clock.now() - 20.0
    assert time.read(0, past) == past
    time.read(0, past - 10.0)
    assert time.now(0) == past
    await clock.advance(5.0)
    assert time.now(0) == clock.now()
    time.restart()
    assert time.now(0) == 0.0


async def test_a_producers_clock_that_is_ahead_moves_the_logs_time_no_farther_than_now() -> None:
    clock = ManualClock()
    time = LogTime(clock)
    assert time.read(0, clock.now() + 3_600.0) == time.now(0) == clock.now()


class MovingRows(FusedRows):
    """Rows of which some go to another process after so many of its looks at whose they are."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks
        self.moved: set[str] = set()
        self.late: list[str] = []

    def owns(self, record_key: str) -> bool:
        self.looks -= 1
        if self.looks < 0:
            self.moved.add(record_key)
        return record_key not in self.moved

    async def write(self, key: str, value: bytes | None, record_key: str) -> None:
        if record_key in self.moved:
            self.late.append(key)
        await super().write(key, value, record_key)


@given(st.integers(0, 12))
async def test_what_has_moved_to_another_process_is_not_written(looks: int) -> None:
    life = Life()
    await life.joining.take("i", impression(), 0.0)
    await life.joining.take("j", replace(impression(), impression_id="j"), 0.0)
    rows = MovingRows(100)
    rows.values.update(life.rows.values)
    states = TableJoinStates(rows, TERMS)
    joining = Joining(states, life.log, ManualClock(), JoinPolicy(TERMS))
    assert len(states.waiting()) == 2
    rows.looks = looks
    await joining.settle(lambda _: 1_000.0)
    for name in "ik":
        await joining.take(name, feedback(2), 1.0)
        rows.moved.add(name)
        await joining.take(name, feedback(2, feedback_id="g"), 1.0)
    assert rows.late == []


EVENTS = [
    impression(for_answer=True),
    answer(2),
    feedback(0, feedback_id="a"),
    feedback(1, Reaction.CLICK, feedback_id="b", time=3.0),
    feedback(3, Reaction.DOWN, feedback_id="c", time=70.0),
    feedback(3, user="ben", feedback_id="d"),
    feedback(9, feedback_id="e"),
]
SETTLE = 30.0


async def run(life: Life, order: list[int]) -> None:
    """The events by their places; a place beyond them is a look at what is due."""
    for place in order:
        if place < len(EVENTS):
            await life.joining.take("i", EVENTS[place], 0.0)
        else:
            await life.settle(SETTLE)


async def clean() -> dict[str, Example]:
    life = Life()
    await run(life, [*range(len(EVENTS)), len(EVENTS)])
    return life.last()


@given(st.permutations(range(len(EVENTS))), st.integers(0, len(EVENTS)), st.lists(st.integers(1, 14), max_size=4))
async def test_crashes_at_any_write_and_any_order_end_in_the_same_examples(
    order: list[int], settle_at: int, crashes: list[int]
) -> None:
    life = Life()
    steps = [*order[:settle_at], len(EVENTS), *order[settle_at:], len(EVENTS)]
    for writes in crashes:
        life.light(writes)
        done = 0
        try:
            for step in steps:
                await run(life, [step])
                done += 1
        except Crash:
            pass
        # What was done is committed; but not at once, so that some of it is read again.
        steps = steps[max(0, done - 1) :]
    life.light(1_000_000)
    await run(life, [*steps, len(EVENTS)])
    assert life.last() == await clean()


@pytest.mark.parametrize("point", [name for name in POINTS if name.startswith("feedback.")])
async def test_a_crash_at_any_point_is_made_good(point: str) -> None:
    life, steps = Life(), [*range(len(EVENTS)), len(EVENTS)]
    arm(f"{point}:1", crash=die)
    with pytest.raises(Crash):
        await run(life, steps)
    arm("")
    life.light(1_000_000)
    # Nothing was committed: all of it is read again.
    await run(life, steps)
    assert life.last() == await clean()
