"""How two collections' answers to the same queries compare, and whether one may take the other's place."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Ranks that count.
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Answers:
    """What both collections found for a query: chunks and documents, best first, and which are known to be relevant."""

    incumbent: Sequence[str]
    challenger: Sequence[str]
    incumbent_documents: Sequence[str] = ()
    challenger_documents: Sequence[str] = ()
    relevant: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Means over the queries; those of nDCG@10 over the judged ones."""

    queries: int
    agreement: float
    judged: int
    incumbent_ndcg: float
    challenger_ndcg: float


@dataclass(frozen=True, slots=True)
class PromotionGate:
    """When a challenger may be promoted.

    With `min_queries` judged ones, by nDCG@10: it may lose no more than
    `max_ndcg_loss`. With as many queries that nobody judged, by agreement.
    """

    min_queries: int = 20
    min_agreement: float = 0.5
    max_ndcg_loss: float = 0.01

    def verdict(self, found: Comparison) -> tuple[bool, str]:
        """Whether it may, and why or why not, in one line."""
        if found.judged >= self.min_queries:
            gain = found.challenger_ndcg - found.incumbent_ndcg
            said = f"nDCG@10 {found.incumbent_ndcg:.3f} before and {found.challenger_ndcg:.3f} after"
            # Rounded, or a loss of just what is allowed would be one of a bit more.
            return round(
                gain + self.max_ndcg_loss, 9
            ) >= 0.0, f"{said}, of {found.judged} queries; it may lose {self.max_ndcg_loss}"
        if found.queries >= self.min_queries:
            said = f"{found.agreement:.3f} of the ten nearest chunks are the same, of {found.queries} queries"
            return found.agreement >= self.min_agreement, f"{said}; {self.min_agreement} must be"
        return False, f"{found.queries} queries tell too little: {self.min_queries} are needed, or as many judged ones"


def compare(answers: Sequence[Answers]) -> Comparison:
    """The means over all answers."""
    judged = [one for one in answers if one.relevant and max(one.relevant.values()) > 0]
    return Comparison(
        queries=len(answers),
        agreement=_mean([overlap(one.incumbent, one.challenger) for one in answers]),
        judged=len(judged),
        incumbent_ndcg=_mean([ndcg(one.incumbent_documents, one.relevant or {}) for one in judged]),
        challenger_ndcg=_mean([ndcg(one.challenger_documents, one.relevant or {}) for one in judged]),
    )


def overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """Share of the first ten that both have; 1 where neither has any."""
    first, second = set(one[:DEPTH]), set(other[:DEPTH])
    return len(first & second) / max(len(first), len(second)) if first or second else 1.0


def ndcg(order: Sequence[str], relevant: Mapping[str, int]) -> float:
    """nDCG@10 of documents in this order, with linear gains; 0 where nothing is relevant."""
    ideal = _gain(sorted(relevant.values(), reverse=True))
    return _gain([relevant.get(document, 0) for document in order]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(place + 2) for place, grade in enumerate(grades[:DEPTH]))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
