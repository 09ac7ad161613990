"""Recording reactions, joining them with what was shown, and learning from the joins."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal, check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import FeedbackJoined, FeedbackRecorded, Reaction
from headwater_kit.core.learning import ModelPublished
from headwater_kit.core.tenants import TenantErased

from headwater_feedback.domain import join, memory
from headwater_feedback.ports import Clusters, JoinStates, Log

# Feedback later than this after what it is about is not joined any more.
JOIN_SECONDS = 24 * 60 * 60.0
# An impression takes about 6 KiB with its vector: at most some 120 MiB a process.
MAX_STATES = 20_000
# As deep as pages of a list go: the most candidates that retrieve may be set to ask of each of its two legs.
MAX_RANK = 2_000


def new_id() -> str:
    """A fresh feedback id."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction as called in; an empty `feedback_id` means one is made."""

    impression_id: str
    reaction: Reaction
    rank: int
    feedback_id: str = ""


class Recording:
    """Takes reactions in."""

    def __init__(self, log: Log, clock: Clock, make_id: Callable[[], str] = new_id) -> None:
        self._log = log
        self._clock = clock
        self._make_id = make_id

    async def record(self, reacted: Reacted, principal: Principal) -> str:
        """Writes the reaction to `feedback.v1` and returns its id.

        Raises InvalidInput naming the field, Unavailable.
        """
        check_id(reacted.impression_id, "impression_id")
        if not 0 <= reacted.rank <= MAX_RANK:
            raise InvalidInput(f"rank must be 0 to {MAX_RANK}, is {reacted.rank}", field="rank")
        feedback = FeedbackRecorded(
            feedback_id=reacted.feedback_id or self._make_id(),
            impression_id=reacted.impression_id,
            tenant=principal.tenant,
            user=principal.user,
            reaction=reacted.reaction,
            rank=reacted.rank,
            time=self._clock.now(),
        )
        await self._log.record(feedback)
        return feedback.feedback_id


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


class Remembering:
    """Keeps the click memory and publishes each change on `models.v1`."""

    def __init__(self, clusters: Clusters, log: Log, clock: Clock) -> None:
        self._clusters = clusters
        self._log = log
        self._clock = clock

    async def take(self, joined: FeedbackJoined) -> None:
        """Learns from one join. Taking it twice is taking it once.

        A question that no encoder could read has no vector, and so no paraphrases to share a memory with.
        """
        if not joined.impression.query_vector or joined.feedback.reaction not in memory.VALUES:
            return
        found = memory.nearest(joined, self._clusters.of(joined.impression.tenant))
        learned = memory.learn(found, joined)
        if learned == found:
            return
        await self._log.publish(ModelPublished(memory.published(learned), self._clock.now()))
        self._clusters.put(learned)


class Forgetting:
    """Forgets what was learned from tenants that were erased."""

    def __init__(self, states: JoinStates, clusters: Clusters) -> None:
        self._states = states
        self._clusters = clusters
        self._due: dict[str, float] = {}

    def on_erased(self, erased: TenantErased) -> None:
        """Notes what is to be forgotten."""
        self._due[erased.tenant] = erased.erase_time

    def forget(self) -> int:
        """Forgets what is due and this process's to forget; returns how many states and clusters."""
        due, self._due = self._due, {}
        return sum(
            self._states.erase(tenant, before) + self._clusters.erase(tenant, before) for tenant, before in due.items()
        )
