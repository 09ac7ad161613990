"""A live model under watch: whether it does worse than what was there before."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater_kit.core.learning import GateCheck

from headwater_feedback.domain.drift import PageHinkley
from headwater_feedback.domain.evidence import RECENT, Outcome


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """When a live model is taken back.

    `slack` and `threshold` of `drift.PageHinkley`. `most_abandoned`: by how much
    the share of lists left without anything may rise over what it was before.
    """

    slack: float = 0.05
    threshold: float = 25.0
    most_abandoned: float = 0.15


@dataclass(slots=True)
class Monitor:
    """Of one live model, from the outcomes before it."""

    policy: WatchPolicy
    rewards: PageHinkley
    abandoned_before: float
    _last: deque[Outcome] = field(default_factory=lambda: deque(maxlen=RECENT))

    @classmethod
    def after(cls, before: Sequence[Outcome], policy: WatchPolicy) -> "Monitor":
        """A monitor that holds a model to what was there before; where that is too little, to its own beginning."""
        count = len(before)
        mean = sum(each.reward for each in before) / count if count else 0.0
        abandoned = sum(each.abandoned for each in before) / count if count >= RECENT else 1.0
        detector = PageHinkley(policy.slack, policy.threshold, count=count, mean=mean)
        return cls(policy, detector, abandoned)

    def add(self, outcome: Outcome) -> tuple[GateCheck, ...]:
        """Takes an outcome in; the checks that it fails now."""
        self._last.append(outcome)
        found = []
        if self.rewards.add(outcome.reward):
            found.append(_failed("reward_fall", self.rewards.sum, self.policy.threshold, self.rewards.count))
        bound = self.abandoned_before + self.policy.most_abandoned
        share = sum(each.abandoned for each in self._last) / len(self._last)
        if len(self._last) == RECENT and share > bound:
            found.append(_failed("abandoned", share, bound, RECENT))
        return tuple(found)


def _failed(name: str, value: float, bound: float, examples: int) -> GateCheck:
    return GateCheck(name, round(value, 9), round(bound, 9), passed=False, examples=examples)
