"""Words of learning: how an order was chosen, what users made of it, what was learned, and whether it may serve."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from headwater_kit.core.documents import Position

# What a ranker sees of a candidate, in this order, each standardised within the list of candidates:
# the fused score, the legs' scores and reciprocal ranks, whether both found it, which share of the question's terms
# its text and its title have, whether it has the question's words side by side, its length, its place in the document,
# and how new it is.
FEATURES = (
    "fused",
    "dense",
    "lexical",
    "dense_rank",
    "lexical_rank",
    "both",
    "coverage",
    "title",
    "exact",
    "length",
    "place",
    "recency",
)
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_FIGURES: Mapping[str, float] = MappingProxyType({})


class ServingPolicy(StrEnum):
    """How an order was chosen; see `events.v1.ServingPolicy`."""

    EXPLOIT = "exploit"
    LEARN = "learn"
    INTERLEAVE = "interleave"
    CANARY = "canary"


class Team(StrEnum):
    """A side of an interleaved list."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True)
class Serving:
    """What an order was made by: snapshot ids of what was learned, empty for none, and what chance chose.

    `models_position` and `watermark`: up to where `models.v1` and `indexed.v1` had been applied.
    `arms`: each bandit's choice.
    """

    policy: ServingPolicy = ServingPolicy.EXPLOIT
    ranker_id: str = ""
    adapter_id: str = ""
    challenger_id: str = ""
    models_position: Position | None = None
    watermark: tuple[Position, ...] = ()
    arms: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class PassageVotes:
    """Users for and against one passage, by its document and text.

    The weights are the same votes by trust and age, and what ranks; None in records from before there were any.
    """

    document_id: str
    text_hash: str
    up: int
    down: int
    up_weight: float | None = None
    down_weight: float | None = None


@dataclass(frozen=True, slots=True)
class ClickMemory:
    """What users made of the passages shown for one cluster of questions; see `events.v1.ClickMemory`."""

    tenant: str
    cluster_id: str
    centroid: bytes
    model_id: str
    votes: tuple[PassageVotes, ...]
    as_of: float = 0.0
    half_life_days: float = 0.0
    min_cosine: float | None = None

    @property
    def component(self) -> str:
        """Its name among the learned."""
        return "memory"

    @property
    def part(self) -> str:
        """Which of its component's it is."""
        return self.cluster_id


@dataclass(frozen=True, slots=True)
class RankerModel:
    """A linear order of a tenant: the sum of weight times feature."""

    tenant: str
    weights: tuple[float, ...]
    features: tuple[str, ...] = FEATURES

    @property
    def component(self) -> str:
        """Its name among the learned."""
        return "ranker"

    @property
    def part(self) -> str:
        """There is one."""
        return ""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A low-rank turn of the question vectors of one topic: q becomes q + U (V q), made length 1.

    `centroid`, `u` (dimension × rank) and `v` (rank × dimension): little-endian float32, row by row.
    `min_cosine` to the centroid from which it applies.
    """

    topic_id: str
    centroid: bytes
    min_cosine: float
    rank: int
    u: bytes
    v: bytes


@dataclass(frozen=True, slots=True)
class AdapterModel:
    """All adapters of a tenant, for vectors of one model."""

    tenant: str
    model_id: str
    adapters: tuple[Adapter, ...]

    @property
    def component(self) -> str:
        """Its name among the learned."""
        return "adapter"

    @property
    def part(self) -> str:
        """There is one."""
        return ""


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a bandit: what it sets, and how it did of late."""

    name: str
    values: Mapping[str, float]
    successes: float = 0.0
    failures: float = 0.0


@dataclass(frozen=True, slots=True)
class BanditModel:
    """A choice of a tenant, such as `fusion`."""

    tenant: str
    name: str
    arms: tuple[Arm, ...]

    @property
    def component(self) -> str:
        """Its name among the learned."""
        return "bandit"

    @property
    def part(self) -> str:
        """Which bandit it is."""
        return self.name


Learned = ClickMemory | RankerModel | AdapterModel | BanditModel


@dataclass(frozen=True, slots=True)
class ModelName:
    """Which model: what is live of a part, or what is compared with that."""

    tenant: str
    component: str
    part: str = ""
    is_challenger: bool = False


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a learned model comes from; see `events.v1.Stamp`."""

    snapshot_id: str
    parent_id: str = ""
    sha256: str = ""
    signature: bytes = b""
    key_id: str = ""
    trained_to: Position | None = None
    seed: int = 0
    metrics: Mapping[str, float] = field(default_factory=lambda: _NO_FIGURES)
    example_count: int = 0


@dataclass(frozen=True, slots=True)
class ModelPublished:
    """`models.v1`: learned state was published; `publish_time` in seconds since the epoch.

    `stage`: EXPLOIT for what is live, INTERLEAVE or CANARY (with its `share` of
    the traffic) for what is compared with that.
    """

    learned: Learned
    publish_time: float
    stamp: Stamp | None = None
    stage: ServingPolicy = ServingPolicy.EXPLOIT
    share: float = 0.0

    @property
    def name(self) -> ModelName:
        """Which model it is."""
        is_challenger = self.stage is not ServingPolicy.EXPLOIT
        return ModelName(self.learned.tenant, self.learned.component, self.learned.part, is_challenger)


@dataclass(frozen=True, slots=True)
class GoldLabel:
    """A document's worth for a question, 0 to 3; with `text_hash`, that of one passage."""

    document_id: str
    grade: int
    text_hash: str = ""


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """`gold.v1`: a question whose answers are known, by which users and models are measured."""

    tenant: str
    query: str
    labels: tuple[GoldLabel, ...]
    user: str
    time: float


class GateDecision(StrEnum):
    """What a gate decides about a model."""

    REFUSED = "refused"
    INTERLEAVED = "interleaved"
    CANARY = "canary"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One check of a gate: what was measured from so many examples, and what it had to reach."""

    name: str
    value: float
    bound: float
    passed: bool
    examples: int = 0


@dataclass(frozen=True, slots=True)
class GateDecided:
    """`gates.v1`: what was decided about a learned model, and why; `user` is empty for the gate itself.

    `position`: how far `training.v1` had been learned from by then, as the next offset.
    `follows` names the verdict before it; see `events.v1.GateDecided`.
    """

    tenant: str
    component: str
    snapshot_id: str
    parent_id: str
    decision: GateDecision
    checks: tuple[GateCheck, ...]
    reason: str
    time: float
    user: str = ""
    part: str = ""
    position: Position | None = None
    follows: str = ""
