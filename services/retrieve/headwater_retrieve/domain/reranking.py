"""Whose order is in doubt, what a reranker's word is worth, and how many it has time for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from headwater_retrieve.domain.fusion import Candidate, order

# Until the first passages have been read: what one takes of a core of 2025.
FIRST_SECONDS = 0.04
# Of the patience there is, what reading may be expected to take: where it is off by two, it is still in time.
SHARE = 0.5
# How much the last reading counts for the pace.
SMOOTHING = 0.2
# Of what a passage is expected to take, what is left after a search that was denied a reading.
RELAXATION = 0.98


def doubtful(candidates: Sequence[Candidate], margin: float) -> Sequence[Candidate]:
    """The first candidates, best first, whose scores are within `margin` of the best; none where that one is clear."""
    if not candidates:
        return ()
    least = candidates[0].score - margin
    within = [candidate for candidate in candidates if candidate.score >= least]
    return within if len(within) > 1 else ()


def mix(candidates: Sequence[Candidate], scores: Mapping[str, float], weight: float) -> list[Candidate]:
    """The candidates with the reranker's word on those it scored, by chunk id; best first.

    Its scores are log-odds, so their differences are evidence as they stand: of
    passages that it takes to be alike the order stays. Together those it read
    neither rise nor fall among the others.
    """
    read = [each for each in candidates if each.passage.chunk.chunk_id in scores]
    if not read:
        return list(candidates)
    mean = fmean(scores[each.passage.chunk.chunk_id] for each in read)

    def mixed(candidate: Candidate) -> Candidate:
        score = scores.get(candidate.passage.chunk.chunk_id)
        return candidate if score is None else replace(candidate, rerank=score, rerank_gain=weight * (score - mean))

    return order(map(mixed, candidates))


class Pace:
    """How long a passage takes, as the last ones did."""

    def __init__(self) -> None:
        self._seconds = FIRST_SECONDS

    def note(self, passages: int, seconds: float) -> None:
        """Takes down a reading."""
        self._seconds += SMOOTHING * (seconds / passages - self._seconds)

    def relax(self) -> None:
        """To be called where nothing was read for want of time: it may not be as slow as it was."""
        self._seconds *= RELAXATION

    def affords(self, seconds: float) -> int:
        """How many passages can be read within that time, as far as can be told."""
        return int(SHARE * seconds / max(self._seconds, 1e-6))
