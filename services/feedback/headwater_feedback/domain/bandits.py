"""Bandits: which of a few variants does best of late, tried as often as it may be the best.

Method: Thompson sampling over Beta distributions whose counts fade, so that what
has ceased to be true is forgotten (Raj and Kalyani, "Taming non-stationary
bandits: a Bayesian approach", 2017). Who serves draws an arm; here is counted
how it did.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2

from headwater_kit.core.impressions import ImpressionClosed
from headwater_kit.core.learning import Arm, BanditModel

from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.domain.lessons import LEARN_BUCKET, Lessons

Reward = Callable[[ImpressionClosed], float]
DECIMALS = 9
# What a fusion arm sets: by what the dense leg's weight is multiplied, the lexical leg's being left as it is.
DENSE_FACTOR = "dense_factor"
FUSION = "fusion"


def ordering(closed: ImpressionClosed) -> float:
    """How high what was liked stood, 0 to 1: nDCG of the list by its own labels; 0 where nothing was."""
    labels = {each.rank: max(0.0, each.label) for each in closed.judgements}
    ideal = _dcg(sorted(labels.values(), reverse=True))
    shown = _dcg([labels.get(rank, 0.0) for rank in range(1, max(labels, default=0) + 1)])
    return shown / ideal if ideal > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Bandit:
    """A choice between arms, none of which is tried yet.

    `reward`: 0 to 1, of a list of the learn bucket. `fading`: what is left of the
    counts after each reward, so that about 1 / (1 - fading) of them are
    remembered. `offer_every`: rewards between two offers.
    """

    name: str
    arms: tuple[Arm, ...]
    reward: Reward
    fading: float = 0.999
    offer_every: int = 50


def fusion_bandit() -> Bandit:
    """How much meaning counts against words, around what is set.

    Near to it: arms that are hard to tell apart are all tried, and each list that tries a bad one is the worse for it.
    """
    factors: Mapping[str, float] = {"words": 0.8, "as_set": 1.0, "meaning": 1.25}
    return Bandit(FUSION, tuple(Arm(name, {DENSE_FACTOR: factor}) for name, factor in factors.items()), ordering)


def rewarded(arms: Sequence[Arm], chosen: str, reward: float, fading: float) -> tuple[Arm, ...]:
    """The arms after a reward, 0 to 1, of the chosen one; all fade, so that what is not tried becomes uncertain."""
    return tuple(_faded(arm, fading, reward if arm.name == chosen else None) for arm in arms)


class BanditLearner:
    """`domain.learners.Learner` of one of a tenant's bandits; offers its untried arms at the first example."""

    def __init__(self, tenant: str, bandit: Bandit) -> None:
        self._tenant = tenant
        self._bandit = bandit
        self._arms = bandit.arms
        self._lessons = Lessons(LEARN_BUCKET)
        self._rewards = 0
        self._is_known = False

    def take(self, example: Example) -> Sequence[Trained]:
        """See `domain.learners.Learner`. Chance has no part in it."""
        is_due, self._is_known = not self._is_known, True
        lesson = self._lessons.of(example)
        if lesson is not None and not lesson.is_amended:
            is_due |= self._reward(lesson.closed)
        return (self._trained(example),) if is_due else ()

    def _reward(self, closed: ImpressionClosed) -> bool:
        chosen = closed.impression.serving.arms.get(self._bandit.name, "")
        if chosen not in {arm.name for arm in self._arms}:
            return False
        self._arms = rewarded(self._arms, chosen, self._bandit.reward(closed), self._bandit.fading)
        self._rewards += 1
        return self._rewards % self._bandit.offer_every == 0

    def _trained(self, example: Example) -> Trained:
        arms = tuple(
            replace(arm, successes=round(arm.successes, DECIMALS), failures=round(arm.failures, DECIMALS))
            for arm in self._arms
        )
        return Trained(BanditModel(self._tenant, self._bandit.name, arms), example.position, self._rewards)


def _faded(arm: Arm, fading: float, reward: float | None) -> Arm:
    won, lost = (0.0, 0.0) if reward is None else (reward, 1.0 - reward)
    return replace(arm, successes=fading * arm.successes + won, failures=fading * arm.failures + lost)


def _dcg(labels: Sequence[float]) -> float:
    return sum(label / log2(place + 2) for place, label in enumerate(labels))
