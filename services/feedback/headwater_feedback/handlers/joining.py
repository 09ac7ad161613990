"""Joining reactions with what was shown, and closing lists."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.impressions import FeedbackQuarantined, FeedbackRecorded, ImpressionClosed
from headwater_kit.core.learning import ServingPolicy

from headwater_feedback.domain import join
from headwater_feedback.domain.refusing import Refused, out_of_range
from headwater_feedback.ports import JoinStates, Log

# What is due together waits for the broker together; events wait for it, so not all of it.
SETTLED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class JoinPolicy:
    """`unreacted_share` of the lists that nobody reacted to are learned from, those for learning always."""

    terms: join.Terms = join.Terms()  # noqa: RUF009 - frozen
    max_states: int = 50_000
    unreacted_share: float = 1.0


class Joining:
    """Joins reactions with what they are about, and writes what can be learned from that to `training.v1`.

    All that follows from an event is acknowledged before the state that has it,
    and that before the event is done: so an event taken in again, after a crash
    at any point, leads to the same records or to none.
    """

    def __init__(
        self,
        states: JoinStates,
        log: Log,
        clock: Clock,
        policy: JoinPolicy | None = None,
    ) -> None:
        self._states = states
        self._log = log
        self._clock = clock
        self._policy = policy or JoinPolicy()
        # What is due is done beside the records: a state has one writer at a time.
        self._turn = asyncio.Lock()

    async def take(self, impression_id: str, event: join.Event, time: float) -> int:
        """Takes in one event, recorded at a time in seconds since the epoch; returns how many joins it led to.

        0 also where another process looks after the id by now: the event is read there again.
        """
        if isinstance(event, FeedbackRecorded) and (refused := out_of_range(event)):
            await self._refuse(refused)
            return 0
        async with self._turn:
            if not self._states.owns(impression_id):
                return 0
            before = self._states.get(impression_id) or join.JoinState(since=time)
            step = join.advance(before, event, self._policy.terms)
            await self._write(step)
            # Partitions may have moved while that was written: the state is the other's, who does the same again.
            if step.state != before:
                await self._put(impression_id, step.state)
            crash_point("feedback.kept")
        return len(step.joined)

    async def settle(self, now: Callable[[str], float]) -> int:
        """Closes and lets go what is due, or too much; `now` is the time up to which the log of an id was read.

        Returns how many states that were. Times in seconds since the epoch.
        """
        waiting = self._states.waiting()
        too_many = max(0, len(waiting) - self._policy.max_states)
        due = [one for one in waiting[too_many:] if one.due <= now(one.impression_id)]
        # When each is to be gone for good, which those too many are at once.
        chosen = {one.impression_id: math.inf for one in waiting[:too_many]}
        chosen |= {one.impression_id: now(one.impression_id) for one in due}
        for start in range(0, len(chosen), SETTLED_AT_ONCE):
            async with self._turn:
                portion = list(chosen.items())[start : start + SETTLED_AT_ONCE]
                await asyncio.gather(*(self._settle(*one) for one in portion))
        return len(chosen)

    async def _write(self, step: join.Step) -> None:
        crash_point("feedback.taken")
        for refused in step.refused:
            await self._refuse(refused)
        for joined in step.joined:
            await self._log.train(joined)
        for amended in step.amended:
            await self._log.train(amended)
        crash_point("feedback.trained")

    async def _settle(self, impression_id: str, now: float) -> None:
        # Of many that are due together, partitions may have moved since the first ones.
        if not self._states.owns(impression_id):
            return
        state, terms = self._states.get(impression_id), self._policy.terms
        if state is None:
            await self._states.drop(impression_id)  # what a crash between two writes left
            return
        if state.impression is None:
            for refused in join.given_up(state):
                await self._refuse(refused)
        elif not state.closed:
            await self._close(state)
            state = replace(state, closed=True)
            crash_point("feedback.closed")
            if now < state.due(terms):
                await self._put(impression_id, state)
                return
        if self._states.owns(impression_id):
            await self._states.drop(impression_id)

    async def _put(self, impression_id: str, state: join.JoinState) -> None:
        if self._states.owns(impression_id):
            await self._states.put(impression_id, state)

    async def _refuse(self, refused: Refused) -> None:
        event = FeedbackQuarantined(refused.feedback, refused.reason, refused.detail, self._clock.now())
        await self._log.quarantine(event)

    async def _close(self, state: join.JoinState) -> None:
        for closed in join.closings(state, self._policy.terms):
            if any(one.reactions for one in closed.judgements) or self._is_wanted(closed):
                await self._log.train(closed)

    def _is_wanted(self, closed: ImpressionClosed) -> bool:
        impression = closed.impression
        if closed.reader:
            return False  # it says nothing that the list alone does not
        if impression.serving.policy is not ServingPolicy.EXPLOIT:
            return True
        drawn = int.from_bytes(blake2b(impression.impression_id.encode(), digest_size=8).digest(), "big") / 2**64
        return drawn < self._policy.unreacted_share
