"""Joining reactions with what was shown."""

from headwater_kit.core.clock import Clock

from headwater_feedback.domain import join
from headwater_feedback.ports import JoinStates, Log

# Feedback later than this after what it is about is not joined any more.
JOIN_SECONDS = 24 * 60 * 60.0
# An impression takes about 6 KiB with its vector: at most some 120 MiB a process.
MAX_STATES = 20_000


class Joining:
    """Joins reactions with impressions and writes the joins to `training.v1`."""

    def __init__(self, states: JoinStates, log: Log, clock: Clock) -> None:
        self._states = states
        self._log = log
        self._clock = clock

    async def take(self, impression_id: str, event: join.Event) -> int:
        """Takes one event in, and returns how many joins it completed.

        The joins are acknowledged before the state forgets what they came from,
        so an event taken in twice is joined at least once.
        """
        before = self._states.get(impression_id) or join.JoinState(since=self._clock.now())
        after, joined = join.advance(before, event)
        for one in joined:
            await self._log.train(one)
        self._states.put(impression_id, after)
        return len(joined)

    def expire(self) -> int:
        """Forgets what is too old, or too many, to be joined; returns how many states."""
        return self._states.expire(self._clock.now() - JOIN_SECONDS, MAX_STATES)
