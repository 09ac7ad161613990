"""Two ranked lists to one.

Method: z-scores over each leg's candidates, shifted so that the leg's last
candidate stands at 0, weighted and added (score fusion after Lee, "Analyses of
multiple evidence combination", SIGIR 1997; measured here against rank fusion,
which loses the gaps between scores, by `bench/retrieval.py`).

A leg that found fewer chunks than it was asked for has found all that it
matches: the other leg's chunks count there as what they are, scored 0. So one
match among many that do not match stands out, as it should.

What holds: a chunk that a leg did not match gets nothing from it and one that
it matched never less than nothing, so more evidence never lowers a rank; and
only a leg's shape counts, not its scale, so that cosines and BM25 scores add.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import sqrt
from statistics import fmean

from headwater_kit.core.cascade import Standing
from headwater_kit.core.documents import Passage, ScoreParts
from headwater_vectors.ports import Hit

# A leg whose candidates all score alike says that they match, not which is better.
FLAT_CREDIT = 1.0
# Cormack, Clarke and Büttcher, "Reciprocal rank fusion" (SIGIR 2009).
RRF_K = 60
# Credit of a leg's first hit by rank: what the first of a hundred usually gets by scores, so that votes and doubt,
# which are measured in that unit, mean the same.
RRF_FIRST = 5.0


class Fusion(StrEnum):
    """How a leg's hits become credit: by scores (above), or by reciprocal ranks."""

    SCORES = "scores"
    RRF = "rrf"


@dataclass(frozen=True, slots=True)
class Weights:
    """What each leg's word counts, at least 0; only their ratio matters. `reason` says why, for people."""

    dense: float
    lexical: float
    reason: str = field(default="as set", compare=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk found by at least one leg: its raw scores and ranks there, the fused score, and what was added to it.

    Ranks are from 1; 0 where the leg did not find it. `features`: see `domain.features`; empty if not made. `beside`:
    its ranks by other encoders that found it, by name; `dense` and `dense_rank` are of the served one.
    """

    passage: Passage
    dense: float | None
    lexical: float | None
    fused: float
    memory: float | None = None
    rerank: float | None = None
    rerank_gain: float = 0.0
    dense_rank: int = 0
    lexical_rank: int = 0
    ranker_gain: float = 0.0
    features: tuple[float, ...] = ()
    beside: tuple[tuple[str, int], ...] = ()

    @property
    def score(self) -> float:
        """What the list is ordered by."""
        return self.fused + self.ranker_gain + self.rerank_gain + (self.memory or 0.0)

    @property
    def standing(self) -> Standing:
        """Where it stood before it got its rank."""
        return Standing(
            self.passage.chunk.chunk_id,
            self.dense_rank,
            self.lexical_rank,
            self.fused,
            self.rerank_gain,
            self.memory or 0.0,
            self.ranker_gain,
            self.beside,
        )

    def ranked(self, rank: int) -> Passage:
        """The passage as shown at `rank`."""
        parts = ScoreParts(self.dense, self.lexical, self.memory, self.rerank)
        found = self.passage
        # Field by field: `replace` takes three times as long, for each of some hundred and fifty candidates.
        return Passage(
            found.chunk, found.document_id, found.version, found.info, rank, self.score, parts, found.presentation
        )


def credit_by_chunk(hits: Sequence[Hit], unmatched: int = 0) -> dict[str, float]:
    """Credit by chunk id: the z-score above that of the leg's last candidate, at least 0.

    `unmatched` candidates more are known to score 0 and stand last.
    """
    if not hits:
        return {}
    scores = [*(hit.score for hit in hits), *unmatched * (0.0,)]
    mean, last = fmean(scores), min(scores)
    # As `statistics.pstdev`, which takes thirty times as long to be exact.
    spread = sqrt(fmean((score - mean) ** 2 for score in scores))
    # Spread below the precision of the scores themselves is noise, and noise must not be blown up to a ranking.
    if spread <= 1e-9 * max(abs(mean), 1e-9):
        return {hit.passage.chunk.chunk_id: FLAT_CREDIT for hit in hits}
    return {hit.passage.chunk.chunk_id: (hit.score - last) / spread for hit in hits}


def reciprocal_ranks(hits: Sequence[Hit], unmatched: int = 0) -> dict[str, float]:  # noqa: ARG001
    """Credit by chunk id, of the rank in the leg alone; best first."""
    first = RRF_FIRST * (RRF_K + 1)
    return {hit.passage.chunk.chunk_id: first / (RRF_K + rank) for rank, hit in enumerate(hits, start=1)}


CREDITS: Mapping[Fusion, Callable[[Sequence[Hit], int], Mapping[str, float]]] = {
    Fusion.SCORES: credit_by_chunk,
    Fusion.RRF: reciprocal_ranks,
}


NOWHERE: tuple[int, None] = (0, None)


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg's hits by chunk id: rank from 1 and score of each, and its credit."""

    hits: Sequence[Hit]
    places: Mapping[str, tuple[int, float]]
    credit: Mapping[str, float]

    @classmethod
    def of(cls, hits: Sequence[Hit], fusion: Fusion, unmatched: int = 0) -> "Leg":
        """The leg as fusion sees it."""
        best_first = sorted(hits, key=lambda hit: (-hit.score, hit.passage.chunk.chunk_id))
        places = {hit.passage.chunk.chunk_id: (rank, hit.score) for rank, hit in enumerate(best_first, start=1)}
        return cls(best_first, places, CREDITS[fusion](best_first, unmatched))

    @property
    def peak(self) -> float:
        """The credit of its first hit: how far that stands above the rest; 0 of an empty leg."""
        return max(self.credit.values(), default=0.0)

    def place(self, chunk_id: str) -> tuple[int, float | None]:
        """A chunk's rank and raw score; 0 and None where the leg did not find it."""
        return self.places.get(chunk_id, NOWHERE)


def credited(dense: Sequence[Hit], lexical: Sequence[Hit], fusion: Fusion = Fusion.SCORES) -> tuple[Leg, Leg]:
    """Both legs with their credits."""
    matched = {hit.passage.chunk.chunk_id for hit in lexical}
    others = sum(hit.passage.chunk.chunk_id not in matched for hit in dense)
    # As many as were asked for: what else it would have matched is not known.
    unmatched = others if len(lexical) < len(dense) else 0
    return Leg.of(dense, fusion), Leg.of(lexical, fusion, unmatched)


def combine(dense: Leg, lexical: Leg, weights: Weights) -> list[Candidate]:
    """All chunks that a leg found, with fused scores, best first; ties by chunk id, so that the order is stable."""
    total = (weights.dense + weights.lexical) or 1.0
    passages = {hit.passage.chunk.chunk_id: hit.passage for hit in (*lexical.hits, *dense.hits)}

    def candidate(chunk_id: str, passage: Passage) -> Candidate:
        credit = weights.dense * dense.credit.get(chunk_id, 0.0) + weights.lexical * lexical.credit.get(chunk_id, 0.0)
        (dense_rank, by_dense), (lexical_rank, by_lexical) = dense.place(chunk_id), lexical.place(chunk_id)
        fused = credit / total
        return Candidate(passage, by_dense, by_lexical, fused, dense_rank=dense_rank, lexical_rank=lexical_rank)

    return order(candidate(chunk_id, passage) for chunk_id, passage in passages.items())


def fuse(
    dense: Sequence[Hit], lexical: Sequence[Hit], weights: Weights, fusion: Fusion = Fusion.SCORES
) -> list[Candidate]:
    """`credited` and `combine` in one."""
    return combine(*credited(dense, lexical, fusion), weights)


def order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first."""
    return sorted(candidates, key=lambda c: (-c.score, c.passage.chunk.chunk_id))
