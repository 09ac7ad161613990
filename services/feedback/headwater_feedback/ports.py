"""What feedback needs of others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.impressions import FeedbackJoined, FeedbackQuarantined, FeedbackRecorded, ImpressionClosed
from headwater_kit.core.learning import ModelPublished

from headwater_feedback.domain.join import JoinState
from headwater_feedback.domain.memory import Cluster


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A join state, what is to be let go first coming first; `due` in seconds since the epoch."""

    has_impression: bool
    since: float
    impression_id: str
    due: float


class JoinStates(Protocol):
    """Join states by impression id; survives restarts."""

    def get(self, impression_id: str) -> JoinState | None:
        """The state, or None if the id is new. Never blocks."""
        ...

    async def put(self, impression_id: str, state: JoinState) -> None:
        """Returns once the state is kept, so that no crash loses it."""
        ...

    async def drop(self, impression_id: str) -> None:
        """Forgets the state; returns once that is kept."""
        ...

    def waiting(self) -> Sequence[Waiting]:
        """The states that this process looks after, in their order. Never blocks."""
        ...

    async def erase(self, tenant: str, before: float) -> int:
        """Forgets the tenant's states begun before this time; returns how many."""
        ...


class Clusters(Protocol):
    """Question clusters by tenant; survives restarts. Never blocks."""

    def of(self, tenant: str) -> Sequence[Cluster]:
        """The tenant's clusters, in a stable order."""
        ...

    def put(self, cluster: Cluster) -> None:
        """Keeps the cluster."""
        ...

    def erase(self, tenant: str, before: float) -> int:
        """Forgets the tenant's clusters without a vote since this time; returns how many."""
        ...


class Log(Protocol):
    """Where feedback and what is learned from it go. Each returns when acknowledged; raises Unavailable."""

    async def record(self, feedback: FeedbackRecorded) -> None:
        """Writes to `feedback.v1`."""
        ...

    async def train(self, example: FeedbackJoined | ImpressionClosed) -> None:
        """Writes to `training.v1`."""
        ...

    async def quarantine(self, quarantined: FeedbackQuarantined) -> None:
        """Writes to `quarantine.v1`."""
        ...

    async def publish(self, model: ModelPublished) -> None:
        """Writes to `models.v1`."""
        ...


class Models(Protocol):
    """What is being served, as read back from `models.v1`."""

    def of(self, tenant: str) -> Sequence[ModelPublished]:
        """The tenant's learned parts, by key."""
        ...
