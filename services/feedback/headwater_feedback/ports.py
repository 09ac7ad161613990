"""What feedback needs of others."""

from collections.abc import Sequence
from typing import Protocol

from headwater_kit.core.impressions import FeedbackJoined, FeedbackRecorded
from headwater_kit.core.learning import ModelPublished

from headwater_feedback.domain.join import JoinState
from headwater_feedback.domain.memory import Cluster


class JoinStates(Protocol):
    """Join states by impression id; survives restarts. Never blocks."""

    def get(self, impression_id: str) -> JoinState | None:
        """The state, or None if the id is new."""
        ...

    def put(self, impression_id: str, state: JoinState) -> None:
        """Keeps the state."""
        ...

    def expire(self, before: float, keep: int) -> int:
        """Forgets states begun before this time (seconds since the epoch) and all but the latest `keep`.

        Returns how many were forgotten.
        """
        ...

    def erase(self, tenant: str, before: float) -> int:
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

    async def train(self, joined: FeedbackJoined) -> None:
        """Writes to `training.v1`."""
        ...

    async def publish(self, model: ModelPublished) -> None:
        """Writes to `models.v1`."""
        ...


class Models(Protocol):
    """What is being served, as read back from `models.v1`."""

    def of(self, tenant: str) -> Sequence[ModelPublished]:
        """The tenant's learned parts, by key."""
        ...
