"""What feedback needs of others."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.documents import Position
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackQuarantined,
    FeedbackRecorded,
    ImpressionClosed,
    UserForgotten,
)
from headwater_kit.core.learning import ClickMemory, GateDecided, GoldQuestion, Learned, ModelName, ModelPublished

from headwater_feedback.domain.folds import TenantFold
from headwater_feedback.domain.join import JoinState


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

    def owns(self, impression_id: str) -> bool:
        """Whether this process looks after it, now: another's is not to be put or dropped. Never blocks."""
        ...


class Log(Protocol):
    """Where feedback and what it is joined to go. Each returns when acknowledged; raises Unavailable."""

    async def record(self, feedback: FeedbackRecorded) -> None:
        """Writes to `feedback.v1`."""
        ...

    async def train(self, example: FeedbackJoined | ImpressionClosed) -> None:
        """Writes to `training.v1`."""
        ...

    async def quarantine(self, quarantined: FeedbackQuarantined) -> None:
        """Writes to `quarantine.v1`."""
        ...


class Models(Protocol):
    """What is being served, as read back from `models.v1`."""

    def of(self, tenant: str) -> Sequence[ModelPublished]:
        """The tenant's learned parts, by key."""
        ...


class Places(Protocol):
    """What stands where on `models.v1`, as read back. Never blocks. Adapters: `adapters.{served,gate_memory}`."""

    def names(self, tenant: str) -> Iterable[ModelName]:
        """The places of the tenant at which anything stands."""
        ...

    def holds(self, model: ModelPublished) -> bool:
        """Whether the very model stands in its place, signed by the key of now, whenever it was published."""
        ...


class LearnedLog(Protocol):
    """Where memories go, and what learning puts aside. Each returns when acknowledged; raises Unavailable.

    Adapters: `adapters.learned_log` and `adapters.memory`.
    """

    async def publish(self, memory: ClickMemory, trained_to: Position) -> int:
        """Writes to `models.v1`, stamped with up to where it was learned; returns the offset."""
        ...

    async def withdraw(self, tenant: str, name: str) -> int:
        """Takes a memory off `models.v1`; returns the offset."""
        ...

    async def quarantine(self, quarantined: FeedbackQuarantined) -> None:
        """Writes to `quarantine.v1`."""
        ...


class ServedMemories(Protocol):
    """Which memories are served, as far as is known. Never blocks.

    Adapters: `adapters.served.ServedClusters`, over `models.v1` or what a test notes in it.
    """

    def names(self) -> Iterable[tuple[str, str]]:
        """All of them, by tenant and name."""
        ...

    def of(self, tenant: str, name: str) -> bytes | None:
        """The fingerprint of what is served; None if nothing is."""
        ...

    def fingerprint(self, learned: Learned) -> bytes:
        """Tells one model from another, whenever it was published."""
        ...

    def note(self, tenant: str, name: str, fingerprint: bytes | None, offset: int) -> None:
        """Notes what was published, or withdrawn, at an offset; what stands before what is known is passed over."""
        ...


class Ownership(Protocol):
    """Which tenants are this process's to publish for. Never blocks.

    Adapters: `adapters.faust_worker` and `adapters.memory`.
    """

    def owns(self, tenant: str) -> bool:
        """Whether the tenant is this process's, now."""
        ...


class ForgetLog(Protocol):
    """What the log holds of users, to forget them. Each raises Unavailable.

    Adapters: `adapters.forget_log` and `adapters.memory`.
    """

    async def examples_of(self, tenant: str, names: Collection[str]) -> Mapping[bytes, str]:
        """Keys of the examples on `training.v1` that are the doing of one of these, and by which name."""
        ...

    async def forget(self, user: UserForgotten) -> None:
        """Writes to `forgets.v1`; returns when acknowledged."""
        ...

    async def take_back(self, tenant: str, keys: Sequence[bytes]) -> None:
        """Takes examples off `training.v1`; returns when acknowledged."""
        ...


class Replay(Protocol):
    """Reads what a tenant's examples teach once more. Adapters: `adapters.learning_loop` and `adapters.memory`."""

    async def read(self, tenant: str, fold: TenantFold, leaving_out: Collection[str] = ()) -> None:
        """Folds all of the tenant's examples but those of these people, as far as the learning is when it returns.

        Raises Unavailable.
        """
        ...


class GateLog(Protocol):
    """Where what a gate decides goes. Each returns when acknowledged; raises Unavailable."""

    async def publish(self, model: ModelPublished) -> None:
        """Writes to `models.v1`."""
        ...

    async def withdraw(self, name: ModelName) -> None:
        """Takes a model from `models.v1`."""
        ...

    async def decide(self, decided: GateDecided) -> None:
        """Writes to `gates.v1`."""
        ...


class Gold(Protocol):
    """The gold questions, as read back from `gold.v1`. Adapters: `handlers.conditions` and `adapters.gate_memory`."""

    def gold(self, tenant: str) -> Mapping[str, GoldQuestion]:
        """The tenant's questions by `question_key`."""
        ...


class GoldLog(Protocol):
    """Where gold questions go. Each returns when acknowledged; raises Unavailable."""

    async def put(self, question: GoldQuestion) -> None:
        """Writes to `gold.v1`, in the place of the same question."""
        ...

    async def remove(self, question: GoldQuestion) -> None:
        """Takes it out of `gold.v1`."""
        ...
