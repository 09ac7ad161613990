"""A query in several wordings: which may be given, and how their lists become one.

By score: the weighted mean of a passage's fused scores, 0 where a list is
without it (CombSUM after Fox and Shaw, "Combination of multiple searches",
TREC-2, 1994). By rank: the weighted sum of 1 / (60 + rank) (Cormack, Clarke and
Büttcher, SIGIR 2009; over generated queries it is known as RAG-Fusion), brought
back to standard deviations above the last candidate, so that what is added to
scores later means the same.

What holds: one list alone stays as it is; the order of the variants changes
nothing; of a document only the highest version that any of them found stays,
since each list is of a moment of its own (I3).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, isfinite
from statistics import fmean, pstdev

from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.rewriting import QueryFusion, Variant

from headwater_retrieve.domain.fusion import Candidate, order

MAX_VARIANTS = 8
MAX_VARIANT_CHARACTERS = 8_192
MAX_WEIGHT = 10.0
RANK_OFFSET = 60


@dataclass(frozen=True, slots=True)
class Weighted:
    """What one wording found, best first, and what its word counts, above 0."""

    candidates: Sequence[Candidate]
    weight: float = 1.0


def check_variants(variants: Sequence[Variant]) -> None:
    """Raises InvalidInput, naming the field: too many, an empty or too long one, a weight out of range."""
    if len(variants) > MAX_VARIANTS:
        raise InvalidInput(
            f"variants has {len(variants)} entries, at most {MAX_VARIANTS} are taken",
            field="variants",
            reason="TOO_LARGE",
        )
    for place, variant in enumerate(variants):
        _check(variant, f"variants[{place}]")


def _check(variant: Variant, field: str) -> None:
    if not variant.text.strip():
        raise InvalidInput(f"{field}.text is empty: leave it out", field=f"{field}.text", reason="EMPTY_TEXT")
    if len(variant.text) > MAX_VARIANT_CHARACTERS:
        raise InvalidInput(
            f"{field}.text has {len(variant.text)} characters, at most {MAX_VARIANT_CHARACTERS} are taken",
            field=f"{field}.text",
            reason="TOO_LARGE",
        )
    if not isfinite(variant.weight) or not 0.0 < variant.weight <= MAX_WEIGHT:
        raise InvalidInput(
            f"{field}.weight must be above 0 and at most {MAX_WEIGHT:g}, is {variant.weight}",
            field=f"{field}.weight",
            reason="OUT_OF_RANGE",
        )


def distinct(query: str, variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """The variants that say something new: what equals the query, or one before, is searched once."""
    seen = {(_plain(query), False)}
    found = []
    for variant in variants:
        name = (_plain(variant.text), variant.hypothetical)
        if name not in seen:
            found.append(variant)
        seen.add(name)
    return tuple(found)


def combine(query: Weighted, variants: Sequence[Weighted], fusion: QueryFusion) -> list[Candidate]:
    """One list of all, best first; ties by chunk id.

    A candidate's raw scores are those of the query where it found the chunk, else
    the highest of a variant.
    """
    found = [ranking for ranking in (query, *variants) if ranking.candidates]
    if len(found) < 2:
        return [candidate for ranking in found for candidate in ranking.candidates]
    latest = _latest(found)
    current = [
        Weighted([c for c in ranking.candidates if c.passage.version == latest[c.passage.document_id]], ranking.weight)
        for ranking in found
    ]
    fused = _by_score(current) if fusion is QueryFusion.SCORE else _by_rank(current)
    return order(replace(candidate, fused=fused[name]) for name, candidate in _candidates(query, current).items())


def _latest(rankings: Sequence[Weighted]) -> Mapping[str, int]:
    latest: dict[str, int] = {}
    for passage in (candidate.passage for ranking in rankings for candidate in ranking.candidates):
        latest[passage.document_id] = max(passage.version, latest.get(passage.document_id, passage.version))
    return latest


def _by_score(rankings: Sequence[Weighted]) -> Mapping[str, float]:
    total = fsum(ranking.weight for ranking in rankings)
    summed = _summed((name, w * candidate.fused) for w, _, name, candidate in _entries(rankings))
    return {name: score / total for name, score in summed.items()}


def _by_rank(rankings: Sequence[Weighted]) -> Mapping[str, float]:
    summed = _summed((name, w / (RANK_OFFSET + rank)) for w, rank, name, _ in _entries(rankings))
    scores = list(summed.values())
    spread, last = pstdev(scores), min(scores)
    # All alike, up to rounding: they match, and none is better.
    if spread <= 1e-9 * fmean(scores):
        return dict.fromkeys(summed, 1.0)
    return {name: (score - last) / spread for name, score in summed.items()}


def _summed(shares: Iterator[tuple[str, float]]) -> Mapping[str, float]:
    """Sums by name, exactly rounded, so that no order of the lists shows in them."""
    collected: dict[str, list[float]] = defaultdict(list)
    for name, share in shares:
        collected[name].append(share)
    return {name: fsum(each) for name, each in collected.items()}


def _entries(rankings: Sequence[Weighted]) -> Iterator[tuple[float, int, str, Candidate]]:
    """Weight, rank, chunk id and candidate of each entry of each list."""
    for ranking in rankings:
        for rank, candidate in enumerate(ranking.candidates, start=1):
            yield ranking.weight, rank, candidate.passage.chunk.chunk_id, candidate


def _candidates(query: Weighted, rankings: Sequence[Weighted]) -> Mapping[str, Candidate]:
    found: dict[str, Candidate] = {}
    for _, _, name, candidate in _entries(rankings):
        other = found.get(name, candidate)
        found[name] = _raw(candidate, _most(candidate.dense, other.dense), _most(candidate.lexical, other.lexical))
    own = {c.passage.chunk.chunk_id: c for c in query.candidates}
    return {name: _raw(c, own[name].dense, own[name].lexical) if name in own else c for name, c in found.items()}


def _raw(candidate: Candidate, dense: float | None, lexical: float | None) -> Candidate:
    return replace(candidate, dense=dense, lexical=lexical)


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _plain(text: str) -> str:
    return " ".join(text.split())
