"""The order that a page is cut of: the best one as it stands, one drawn around it, or two made one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from headwater_kit.core.documents import Passage
from headwater_kit.core.learning import ServingPolicy

from headwater_retrieve.domain.drawing import draw
from headwater_retrieve.domain.interleaving import team_draft
from headwater_retrieve.domain.policy import LearningPolicy, Mark, Plan

# Puts a list that is to be shown in the order of a plan.
Shaped = Callable[[Sequence[Passage]], list[Passage]]


@dataclass(slots=True)
class Arrangement:
    """A list's order by plan, made after all that a search asks of its list: what is drawn is what is shown.

    `challenger`: the passages of the other order, where two are shown as one.
    `marks`, by chunk id: how each came to where it stands. For one search.
    """

    plan: Plan
    policy: LearningPolicy
    challenger: Sequence[Passage] = ()
    marks: dict[str, Mark] = field(default_factory=dict)

    def arrange(self, passages: Sequence[Passage], shaped: Shaped, settled: Shaped) -> list[Passage]:
        """The passages, which are `shaped` already, in the order of the plan.

        `shaped` makes of the other order what was made of this one, and `settled`
        sees that what is made of two still has no more of the same than asked for.
        """
        if self.plan.policy is ServingPolicy.LEARN:
            return self._drawn(passages)
        if self.plan.policy is ServingPolicy.INTERLEAVE:
            return self._drafted(passages, shaped(self.challenger), settled)
        return list(passages)

    def _drawn(self, passages: Sequence[Passage]) -> list[Passage]:
        head = passages[: self.policy.depth]
        drawn = draw([each.score for each in head], self.policy.temperature, self.plan.rng("draw"))
        ordered = [head[place] for place in drawn.order]
        for passage, log_propensity in zip(ordered, drawn.log_propensities, strict=True):
            self.marks[passage.chunk.chunk_id] = Mark(log_propensity)
        return [*ordered, *passages[self.policy.depth :]]

    def _drafted(self, champion: Sequence[Passage], challenger: Sequence[Passage], settled: Shaped) -> list[Passage]:
        picked = team_draft(champion, challenger, lambda each: each.chunk.chunk_id, self.plan.rng("draft"))
        for passage, team in picked:
            self.marks[passage.chunk.chunk_id] = Mark(team=team)
        return settled([passage for passage, _ in picked])
