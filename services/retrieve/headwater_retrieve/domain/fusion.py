"""Two ranked lists to one.

Method: z-scores over each leg's candidates, shifted so that the leg's last
candidate stands at 0, weighted and added (score fusion after Lee, "Analyses of
multiple evidence combination", SIGIR 1997; measured here against rank fusion,
which loses the gaps between scores, by `bench/retrieval.py`).

What holds: a chunk that a leg did not match gets nothing from it and one that
it matched never less than nothing, so more evidence never lowers a rank; and
only a leg's shape counts, not its scale, so that cosines and BM25 scores add.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean

from headwater_kit.core.documents import Passage, ScoreParts
from headwater_vectors.ports import Hit

# A leg whose candidates all score alike says that they match, not which is better.
FLAT_CREDIT = 1.0


@dataclass(frozen=True, slots=True)
class Weights:
    """What each leg's word counts, at least 0; only their ratio matters."""

    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk found by at least one leg, with its raw scores and the fused one."""

    passage: Passage
    dense: float | None
    lexical: float | None
    fused: float
    memory: float | None = None

    @property
    def score(self) -> float:
        """What the list is ordered by."""
        return self.fused + (self.memory or 0.0)

    def ranked(self, rank: int) -> Passage:
        """The passage as shown at `rank`."""
        parts = ScoreParts(dense=self.dense, lexical=self.lexical, memory=self.memory)
        return replace(self.passage, rank=rank, score=self.score, parts=parts)


def credit_by_chunk(hits: Sequence[Hit]) -> dict[str, float]:
    """Credit by chunk id: the z-score above that of the leg's last candidate, at least 0."""
    scores = [hit.score for hit in hits]
    if not scores:
        return {}
    mean, last = fmean(scores), min(scores)
    # As `statistics.pstdev`, which takes thirty times as long to be exact.
    spread = sqrt(fmean((score - mean) ** 2 for score in scores))
    # Spread below the precision of the scores themselves is noise, and noise must not be blown up to a ranking.
    if spread <= 1e-9 * max(abs(mean), 1e-9):
        return {hit.passage.chunk.chunk_id: FLAT_CREDIT for hit in hits}
    return {hit.passage.chunk.chunk_id: (hit.score - last) / spread for hit in hits}


def fuse(dense: Sequence[Hit], lexical: Sequence[Hit], weights: Weights) -> list[Candidate]:
    """All chunks that a leg found, with fused scores, best first; ties by chunk id, so that the order is stable."""
    total = (weights.dense + weights.lexical) or 1.0
    dense_credit, lexical_credit = credit_by_chunk(dense), credit_by_chunk(lexical)
    dense_raw, lexical_raw = _raw(dense), _raw(lexical)
    passages = {hit.passage.chunk.chunk_id: hit.passage for hit in (*lexical, *dense)}
    return order(
        Candidate(
            passage,
            dense_raw.get(chunk_id),
            lexical_raw.get(chunk_id),
            (weights.dense * dense_credit.get(chunk_id, 0.0) + weights.lexical * lexical_credit.get(chunk_id, 0.0))
            / total,
        )
        for chunk_id, passage in passages.items()
    )


def order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first."""
    return sorted(candidates, key=lambda c: (-c.score, c.passage.chunk.chunk_id))


def _raw(hits: Sequence[Hit]) -> Mapping[str, float]:
    return {hit.passage.chunk.chunk_id: hit.score for hit in hits}
