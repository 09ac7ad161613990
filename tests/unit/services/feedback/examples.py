"""Examples as they stand on `training.v1`, told in few words."""

from array import array
from collections.abc import Sequence
from functools import partial
from math import cos, sin

from headwater_feedback.adapters.gate_memory import ListedOffers
from headwater_feedback.adapters.memory import FixedOwnership, MemoryLearnedLog
from headwater_feedback.adapters.served import ServedClusters
from headwater_feedback.adapters.training import entry_of
from headwater_feedback.domain.clusters import MemoryPolicy
from headwater_feedback.domain.opinions import Example
from headwater_feedback.handlers.conditions import Conditions
from headwater_feedback.handlers.learning import Learning, LearningPolicy, MakeLearner
from headwater_feedback.handlers.publishing import Publishing
from headwater_kit.auth.snapshots import sign
from headwater_kit.bus import topics
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionItem,
    ImpressionRecorded,
    Judgement,
    Reaction,
    TrainingRecorded,
)
from headwater_kit.core.learning import GoldLabel, GoldQuestion
from headwater_kit.core.tenants import Erasures
from headwater_kit.testing.clock import ManualClock

DAY = 86_400.0
UNSIGNED = partial(sign, key=None)


def at(angle: float) -> bytes:
    """A question's vector, in two dimensions."""
    return array("f", (cos(angle), sin(angle))).tobytes()


def item(name: str, rank: int = 1, version: int = 1) -> ImpressionItem:
    """A passage that was shown; its document is of that name."""
    return ImpressionItem(f"chunk-{name}", name, version, f"hash-{name}", rank, 1.0, ScoreParts())


def shown(
    user: str = "ann",
    names: Sequence[str] = ("doc",),
    *,
    query: str = "q",
    angle: float = 0.0,
    tenant: str = "acme",
    time: float = 0.0,
    version: int = 1,
    name: str = "",
) -> ImpressionRecorded:
    """A list of passages by rank, as shown to a user."""
    items = tuple(item(one, rank, version) for rank, one in enumerate(names, 1))
    impression_id = name or f"{user} {query} {time}"
    return ImpressionRecorded(impression_id, tenant, user, query, at(angle), "model", items, time)


def joined(
    user: str = "ann",
    name: str = "doc",
    reaction: Reaction = Reaction.UP,
    *,
    time: float = 1.0,
    value: float = 0.0,
    **of: object,
) -> FeedbackJoined:
    """A user's reaction to a passage that was shown at the same time."""
    impression = shown(user, (name,), time=time, **of)  # type: ignore[arg-type]
    said = FeedbackRecorded(
        f"{user} {name} {reaction} {time}", impression.impression_id, impression.tenant, user, reaction, 1, time, value
    )
    return FeedbackJoined(said, impression, impression.items)


def passed(user: str, names: Sequence[str], *, revision: int = 0, **of: object) -> ImpressionClosed:
    """A list that a user looked through without a use for any of it."""
    impression = shown(user, names, **of)  # type: ignore[arg-type]
    judged = tuple(Judgement(one.rank, 0.0, examined=True) for one in impression.items)
    return ImpressionClosed(impression, judged, revision, impression.show_time + 1800.0)


def gold(query: str, good: str, tenant: str = "acme") -> GoldQuestion:
    """A gold question that one document answers."""
    return GoldQuestion(tenant, query, (GoldLabel(good, 3),), "expert", 0.0)


def record(example: Example | None, offset: int, tenant: str = "acme", key: bytes | None = None) -> Record:
    """An example as a record of `training.v1`; None for one that is taken back."""
    value = encode(TrainingRecorded(example)) if example else None
    name = key or f"{tenant}\x1f{offset}".encode()
    partition = partition_of(tenant.encode(), topics.PARTITIONS)
    return Record(topics.TRAINING.name, partition, offset, name, value, {}, 0.0)


class World:
    """Learning and what it publishes, over memory."""

    def __init__(
        self,
        policy: MemoryPolicy | None = None,
        learners: Sequence[MakeLearner] = (),
        served: ServedClusters | None = None,
    ) -> None:
        self.erasures = Erasures()
        self.conditions = Conditions(self.erasures)
        self.gates = ListedOffers()
        self.learning = Learning(self.conditions, LearningPolicy(policy or MemoryPolicy()), self.gates, learners)
        self.log, self.served = MemoryLearnedLog(), served or ServedClusters(UNSIGNED)
        self.ownership = FixedOwnership()
        self.publishing = Publishing(
            self.learning, self.log, served=self.served, ownership=self.ownership, gates=self.gates, clock=ManualClock()
        )
        self._offset = 0

    def take(self, *examples: Example) -> None:
        """Takes examples in, as the log gives them."""
        for example in examples:
            self.learning.take(entry_of(record(example, self._offset, example.impression.tenant)))
            self._offset += 1

    def weights(self) -> dict[str, tuple[float | None, float | None]]:
        """What is served, by document."""
        votes = [vote for memory in self.log.served.values() for vote in memory.votes]
        return {vote.document_id: (vote.up_weight, vote.down_weight) for vote in votes}
