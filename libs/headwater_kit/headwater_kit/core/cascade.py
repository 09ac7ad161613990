"""How far a search goes for a better order, and what it tells of that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Cascade(StrEnum):
    """What follows on the two legs and their fusion.

    Off: nothing. Auto: stages that take time, where the order is in doubt and
    the deadline leaves that time. On: wherever they can help at all.
    """

    OFF = "off"
    AUTO = "auto"
    ON = "on"


@dataclass(frozen=True, slots=True)
class StageReport:
    """What a stage did and why, a line for people; `figures` are what it went by.

    `is_cut_short`: it would have done more with more time, or with a peer that
    answers; callers are not told.
    """

    stage: str
    ran: bool
    reason: str
    took_ms: float = 0.0
    figures: Mapping[str, float] = field(default_factory=dict)
    is_cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a passage stood before it got its rank.

    Ranks in the legs count from 1; 0 where a leg did not find it. `fused` is its
    score after fusion, the gains are what the reranker, the click memory and the
    learned ranker added to that. `beside_ranks` are its ranks by encoders that stand
    beside and found it, by name.
    """

    chunk_id: str
    dense_rank: int
    lexical_rank: int
    fused: float
    rerank_gain: float
    memory_gain: float
    ranker_gain: float = 0.0
    beside_ranks: tuple[tuple[str, int], ...] = ()
