"""What the legs found, to one ordered list: fusion, then stage by stage.

Whoever has a better order to offer is one more stage: it gets the list as it
stands and gives it back in its own order, with a line about what it did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from headwater_kit.core.cascade import Cascade, StageReport
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline

from headwater_retrieve.domain.encoders import SERVED, EncoderHits, Encoders
from headwater_retrieve.domain.fusion import Candidate, Fusion, Leg, Weights, combine, credited
from headwater_retrieve.domain.policy import Recipe
from headwater_retrieve.domain.reliability import Reliability
from headwater_retrieve.ports import Legs

FUSION = "fusion"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a stage knows of a search."""

    question: str
    tenant: str
    cascade: Cascade = Cascade.OFF
    recipe: Recipe = Recipe()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Ordered:
    """Candidates, best first, and what each stage did."""

    candidates: list[Candidate]
    reports: tuple[StageReport, ...]


class Stage(Protocol):
    """One more opinion on the order. Adapters: `handlers.described` and `handlers.reranking`."""

    name: str

    async def apply(
        self, asked: Asked, candidates: Sequence[Candidate], deadline: Deadline
    ) -> tuple[list[Candidate], StageReport]:
        """The same candidates, best first, and what was done.

        Never raises for what befalls its peers, and never waits beyond the
        deadline: without its help the list stands as it was.
        """
        ...


class Ranker:
    """Fusion of the legs, and the stages that follow on a list, in their order."""

    def __init__(
        self,
        reliability: Reliability,
        stages: Sequence[Stage] = (),
        *,
        clock: Clock,
        fusion: Fusion = Fusion.SCORES,
    ) -> None:
        self._reliability = reliability
        self._stages = tuple(stages)
        self._clock = clock
        self._fusion = fusion
        self._encoders = Encoders()

    def fuse(self, asked: Asked, legs: Legs, beside: Sequence[EncoderHits] = ()) -> tuple[list[Candidate], StageReport]:
        """All that the legs found for one wording, best first; `beside` is what other encoders found."""
        begin = self._clock.monotonic()
        if beside:
            return self._fuse_all(asked, legs, beside, begin)
        dense, lexical = credited(legs.dense, legs.lexical, self._fusion)
        weights = self._reliability.weigh(asked.question, asked.tenant, dense, lexical)
        weights = Weights(asked.recipe.dense_factor * weights.dense, weights.lexical, weights.reason)
        candidates = combine(dense, lexical, weights)
        return candidates, self._report(candidates, dense, lexical, weights, begin)

    def _fuse_all(
        self, asked: Asked, legs: Legs, beside: Sequence[EncoderHits], begin: float
    ) -> tuple[list[Candidate], StageReport]:
        """The encoders become one leg, which is fused with words as that of one encoder is."""
        found = {SERVED: EncoderHits(SERVED, legs.dense, self._reliability.scripts)} | {one.name: one for one in beside}
        words = Leg.of(legs.lexical, self._fusion)
        meaning = self._encoders.merge(asked.question, asked.tenant, list(found.values()), words, self._fusion)
        _, lexical = credited(meaning.main, legs.lexical, self._fusion)
        weights = self._reliability.weigh(asked.question, asked.tenant, meaning.leg, lexical, meaning.scripts)
        weights = replace(weights, dense=asked.recipe.dense_factor * weights.dense * meaning.trust)
        candidates = [meaning.told(each) for each in combine(meaning.leg, lexical, weights)]
        report = self._report(candidates, meaning.leg, lexical, weights, begin)
        return candidates, replace(report, figures={**report.figures, **meaning.figures})

    def _report(
        self, candidates: Sequence[Candidate], dense: Leg, lexical: Leg, weights: Weights, begin: float
    ) -> StageReport:
        figures = {
            "dense_share": weights.dense / ((weights.dense + weights.lexical) or 1.0),
            "dense_peak": dense.peak,
            "lexical_peak": lexical.peak,
            "dense_hits": len(dense.hits),
            "lexical_hits": len(lexical.hits),
        }
        took_ms = 1_000 * (self._clock.monotonic() - begin)
        return StageReport(FUSION, bool(candidates), weights.reason, took_ms, figures)

    async def improve(self, asked: Asked, candidates: Sequence[Candidate], deadline: Deadline) -> Ordered:
        """The list after all stages."""
        reports = []
        found = list(candidates)
        for stage in self._stages:
            found, report = await stage.apply(asked, found, deadline)
            reports.append(report)
        return Ordered(found, tuple(reports))
