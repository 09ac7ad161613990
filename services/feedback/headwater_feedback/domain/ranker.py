"""The ranker: a linear order of candidates, learned from which of two passages was liked better.

Method: pairwise differentiable gradient descent (`preferences` has the source),
begun at the fused score and kept near it: each step is bounded, steps become
smaller, and every one of them is drawn back a little towards where it began, so
that noise and few questions cannot carry it far.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from headwater_kit.core.learning import FEATURES, RankerModel

from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.domain.lessons import Lessons
from headwater_feedback.domain.preferences import Floats, Preferences, preferences

# Weights are given to so many decimals: what processors differ in stays below.
DECIMALS = 9


@dataclass(frozen=True, slots=True)
class RankerPolicy:
    """How it learns.

    `rate`: the first step's size; after `halving` lists it is half of that, after
    three times as many a quarter. `longest`: bound on a list's gradient. `anchor`: share of the way
    back to the beginning, a step of size 1. `farthest`: bound on what a weight
    may differ from where it began. `offer_every`: lists between two offers.
    """

    rate: float = 0.05
    halving: float = 200.0
    longest: float = 1.0
    anchor: float = 0.5
    farthest: float = 2.0
    offer_every: int = 200


# What ranks where nothing was learned: the fused score alone.
UNLEARNED = tuple(1.0 if name == "fused" else 0.0 for name in FEATURES)


def warm_start() -> Floats:
    """The weights that give the fused order."""
    return np.array(UNLEARNED, dtype=np.float64)


def gradient(weights: Floats, pairs: Preferences) -> Floats:
    """Of the sum over pairs of their weight times the probability that the better goes before the worse."""
    differences = pairs.features[pairs.better] - pairs.features[pairs.worse]
    # Sums in a fixed order rather than by BLAS, which may take another one on another machine.
    likely = 1.0 / (1.0 + np.exp(-np.clip((differences * weights).sum(axis=1), -50.0, 50.0)))
    steepest: Floats = (differences * (pairs.weights * likely * (1.0 - likely))[:, None]).sum(axis=0)
    return steepest


class RankerLearner:
    """`domain.learners.Learner` of a tenant's ranker."""

    def __init__(self, tenant: str, policy: RankerPolicy | None = None) -> None:
        self._tenant = tenant
        self._policy = policy or RankerPolicy()
        self._lessons = Lessons()
        self._weights = warm_start()
        self._lists = 0
        self._pairs = 0

    def take(self, example: Example) -> Sequence[Trained]:
        """See `domain.learners.Learner`; chance has no part in it."""
        lesson = self._lessons.of(example)
        if lesson is None:
            return ()
        pairs = preferences(lesson)
        self._lists += 1
        self._pairs += len(pairs.weights)
        if len(pairs.weights):
            self._weights = self._stepped(gradient(self._weights, pairs))
        return (self._trained(example),) if self._lists % self._policy.offer_every == 0 else ()

    def _stepped(self, towards: Floats) -> Floats:
        policy, start = self._policy, warm_start()
        length = float(np.sqrt((towards * towards).sum()))
        bounded = towards * min(1.0, policy.longest / length) if length else towards
        rate = policy.rate / (1.0 + self._lists / policy.halving)
        moved = self._weights + rate * (bounded - policy.anchor * (self._weights - start))
        return start + np.clip(moved - start, -policy.farthest, policy.farthest)

    def _trained(self, example: Example) -> Trained:
        weights = tuple(round(float(weight), DECIMALS) for weight in self._weights)
        moved = self._weights - warm_start()
        metrics = {"pairs": float(self._pairs), "moved": round(float(np.sqrt((moved * moved).sum())), DECIMALS)}
        model = RankerModel(self._tenant, weights)
        return Trained(model, example.position, example_count=self._lists, metrics=metrics)
