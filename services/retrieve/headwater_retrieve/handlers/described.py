"""The learned ranker as a stage: what it sees of the candidates, and the order that follows."""

from collections.abc import Callable, Sequence

from headwater_kit.core.cascade import StageReport
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline

from headwater_retrieve.domain.features import DESCRIBED, Wanted, describe, scored
from headwater_retrieve.domain.fusion import Candidate, order
from headwater_retrieve.handlers.ranking import Asked

RANKER = "ranker"


class LearnedRanking:
    """A `ranking.Stage`: describes the first candidates and, where the tenant has a ranker, puts them in its order.

    `analyse` makes terms of a question; `time_field` as `domain.features.describe`.
    """

    name = RANKER

    def __init__(self, analyse: Callable[[str], str], clock: Clock, time_field: str = "") -> None:
        self._analyse = analyse
        self._clock = clock
        self._time_field = time_field

    async def apply(
        self, asked: Asked, candidates: Sequence[Candidate], deadline: Deadline
    ) -> tuple[list[Candidate], StageReport]:
        """See `ranking.Stage`."""
        recipe = asked.recipe
        if not recipe.is_described:
            return list(candidates), StageReport(RANKER, ran=False, reason="off")
        begin = self._clock.monotonic()
        head, rest = candidates[:DESCRIBED], candidates[DESCRIBED:]
        features = describe(head, Wanted.of(asked.question, self._analyse), self._time_field)
        ranker = recipe.ranker
        better = [*scored(head, features, ranker.weights if ranker else None), *rest]
        reason = f"by ranker {recipe.served.ranker_id}" if ranker else "nothing learned"
        took_ms = 1_000 * (self._clock.monotonic() - begin)
        report = StageReport(RANKER, ranker is not None, reason, took_ms, {"described": float(len(head))})
        return order(better) if ranker else better, report
