"""Changing the index to another model: what is wished, how far it has come, and how the two collections compare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ReindexTarget(StrEnum):
    """What an operator wants a reindex to come to."""

    READY = "ready"
    PROMOTED = "promoted"
    CANCELLED = "cancelled"


class ReindexStage(StrEnum):
    """What a reindex is at; the last three are over."""

    EMBEDDING = "embedding"
    CHECKING = "checking"
    READY = "ready"
    PROMOTED = "promoted"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """True where nothing goes on any more."""
        return self in (ReindexStage.DONE, ReindexStage.CANCELLED, ReindexStage.FAILED)

    @property
    def is_settled(self) -> bool:
        """True where two whole collections stand side by side, and either may be served."""
        return self in (ReindexStage.READY, ReindexStage.PROMOTED)


@dataclass(frozen=True, slots=True)
class ReindexWished:
    """`reindexes.v1`: what an operator wants of which reindex, and the model that it changes to."""

    reindex_id: str
    target: ReindexTarget
    model_id: str
    dimension: int
    wish_time: float


@dataclass(frozen=True, slots=True)
class ReindexSide:
    """One of the two collections: its name, empty before it is there, its label, its model."""

    collection: str
    label: str
    model_id: str
    dimension: int


@dataclass(frozen=True, slots=True)
class ReindexReported:
    """`reindexes.v1`: how far a reindex has come, in records of the log; times in seconds since the epoch.

    `incumbent` is the collection that searches read when it began, `challenger`
    the one that it makes. `drop_time` is when the incumbent will be dropped, once
    the challenger is promoted.
    """

    reindex_id: str
    stage: ReindexStage
    incumbent: ReindexSide
    challenger: ReindexSide
    done: int = 0
    total: int = 0
    estimated_end_time: float | None = None
    passed_over: int = 0
    drop_time: float | None = None
    reason: str = ""

    @property
    def live_model_id(self) -> str:
        """The model that new documents are embedded with."""
        is_changed = self.stage in (ReindexStage.PROMOTED, ReindexStage.DONE)
        return (self.challenger if is_changed else self.incumbent).model_id


@dataclass(frozen=True, slots=True)
class ReindexJudged:
    """`reindexes.v1`: how searches of the two collections compare, and whether that lets the challenger pass.

    `agreement` is the share of the ten nearest chunks that both have; the nDCG@10
    are means over the `judged` ones among the queries.
    """

    reindex_id: str
    judge_time: float
    queries: int
    agreement: float
    judged: int
    incumbent_ndcg: float
    challenger_ndcg: float
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ReindexStatus:
    """The last reindex; `judgement` is of this one."""

    report: ReindexReported | None = None
    judgement: ReindexJudged | None = None


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query, and how relevant documents are to it where somebody knows: 0 not at all, more is more."""

    tenant: str
    text: str
    relevant: Mapping[str, int] = field(default_factory=dict)
