"""A queue with lanes: the urgent go first, and nobody starves."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from headwater_inference.ports import Lane

# What a lane is owed while work ahead of it is served: under a flood of
# queries live edits still get a quarter of their tokens, a backfill a
# sixteenth of all that goes ahead of it.
SHARES: Mapping[Lane, float] = {Lane.QUERY: 0.0, Lane.LIVE: 1 / 4, Lane.BACKFILL: 1 / 16}
# Texts of one batch are padded to its longest: at most a quarter of it may be padding.
LIKE_LENGTH = 0.75
# How many jobs of other lengths may be passed over for those of like length; it bounds the time to form a batch.
LOOKAHEAD = 64


class Job(Protocol):
    """Anything with a length in tokens."""

    @property
    def tokens(self) -> int:
        """At least 1."""
        ...


J = TypeVar("J", bound=Job)


class LaneQueue(Generic[J]):
    """Priority between lanes, but for credit; within a lane the oldest goes next, with others of like length.

    A lane that waits earns its share of every token served ahead of it; once it
    has earned its first job, that job goes next. So a job at the head of its
    lane waits for at most (its tokens / share) tokens of higher lanes.
    Not bounded: who pushes asks `tokens` first. Not thread-safe.
    """

    def __init__(self, shares: Mapping[Lane, float] = SHARES) -> None:
        self._shares = shares
        self._jobs: dict[Lane, deque[J]] = {lane: deque() for lane in Lane}
        self._tokens = dict.fromkeys(Lane, 0)
        self._credit = dict.fromkeys(Lane, 0.0)

    def tokens(self, lane: Lane) -> int:
        """Tokens that wait in a lane."""
        return self._tokens[lane]

    def push(self, lane: Lane, jobs: Iterable[J]) -> None:
        """Appends jobs to a lane, in this order."""
        for job in jobs:
            self._jobs[lane].append(job)
            self._tokens[lane] += job.tokens

    def pop(self, max_tokens: int, max_jobs: int, lanes: Collection[Lane] = tuple(Lane)) -> Sequence[J]:
        """Takes the next jobs, all of one of the lanes, within both limits but at least one; none if those are empty.

        Tokens count as if all were padded to the longest.
        """
        lane = self._next_lane(lanes)
        if lane is None:
            return ()
        batch = self._take(self._jobs[lane], max_tokens, max_jobs)
        self._charge(lane, sum(job.tokens for job in batch))
        return batch

    @staticmethod
    def _take(jobs: deque[J], max_tokens: int, max_jobs: int) -> Sequence[J]:
        batch = [jobs.popleft()]
        passed: list[J] = []
        shortest = longest = batch[0].tokens
        while jobs and len(batch) < max_jobs and len(passed) < LOOKAHEAD:
            job = jobs.popleft()
            least, most = min(shortest, job.tokens), max(longest, job.tokens)
            if least < LIKE_LENGTH * most or most * (len(batch) + 1) > max_tokens:
                passed.append(job)
                continue
            batch.append(job)
            shortest, longest = least, most
        jobs.extendleft(reversed(passed))
        return batch

    def discard(self, doomed: Callable[[J], bool]) -> None:
        """Removes jobs that nobody waits for any more; takes O(n)."""
        for lane, jobs in self._jobs.items():
            kept = deque(job for job in jobs if not doomed(job))
            self._jobs[lane] = kept
            self._tokens[lane] = sum(job.tokens for job in kept)
            self._credit[lane] = self._credit[lane] if kept else 0.0

    def _next_lane(self, lanes: Collection[Lane]) -> Lane | None:
        waiting = [lane for lane in Lane if lane in lanes and self._jobs[lane]]
        owed = [lane for lane in waiting if self._credit[lane] >= self._jobs[lane][0].tokens]
        return next(iter(owed or waiting), None)

    def _charge(self, served: Lane, tokens: int) -> None:
        self._tokens[served] -= tokens
        self._credit[served] = max(0.0, self._credit[served] - tokens) if self._jobs[served] else 0.0
        for lane in Lane:
            if lane > served and self._jobs[lane]:
                self._credit[lane] += tokens * self._shares[lane]
