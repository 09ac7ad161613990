"""What users would have made of another order, from lists whose order was drawn with known probabilities.

The value is that of the first place: the reward of the passage that stands
there. Of it the probability is recorded exactly, it does not depend on what
stands below, and chance makes it differ often enough for bounds to be tight.
Two estimators: self-normalised inverse propensities (SNIPS, Swaminathan and
Joachims 2015), and doubly robust (Dudík et al. 2011) over a ridge regression
fitted on the other half of the lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from headwater_kit.core.impressions import ImpressionClosed
from headwater_kit.core.learning import FEATURES, ServingPolicy
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 500
SEED = 20_260_807
RIDGE = 1.0
# A passage drawn with less probability than this would weigh more than fifty lists: it counts as much as fifty.
LEAST_PROPENSITY = 0.02
# Lists of which more than this could have been drawn for the first place, and was not shown, tell too little.
MOST_UNSHOWN = 0.2
_NOTHING_LEFT = 1e-6


@dataclass(frozen=True, slots=True)
class DrawnList:
    """A list whose order was drawn: a row of features a passage that might have come first, in an order of their own.

    `first` is the row of the one that did, with that probability, and `reward` what users made of it, 0 to 1.
    """

    features: Floats
    first: int
    propensity: float
    reward: float

    def choice(self, weights: Floats) -> int:
        """The row that an order by these weights puts first."""
        return int((self.features * weights).sum(axis=1).argmax())


@dataclass(frozen=True, slots=True)
class Estimate:
    """How much better a candidate's first places are, in reward, and what that is at least."""

    difference: float
    lower: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate against what is live, from so many lists."""

    snips: Estimate
    doubly_robust: Estimate
    lists: int


def drawn_list(closed: ImpressionClosed) -> DrawnList | None:
    """The list, if its order was drawn and it tells enough to be used.

    That is, from its first place on without a gap: of a page that follows, and
    of a list of which something was withheld that was drawn, the probabilities
    noted are given what is not there.
    """
    shown = closed.impression
    if shown.serving.policy is not ServingPolicy.LEARN or not shown.items:
        return None
    if any(len(item.features) != len(FEATURES) for item in shown.items):
        return None
    drawn, left = 0, 1.0
    for place, item in enumerate(shown.items, 1):
        if item.rank != place and left > _NOTHING_LEFT:
            return None
        if left <= _NOTHING_LEFT:
            break
        left *= 1.0 - min(1.0, exp(item.log_propensity))
        drawn += 1
    if left > MOST_UNSHOWN or drawn < 2:
        return None
    labels = {judged.rank: judged.label for judged in closed.judgements}
    # By id, since a tie must not be broken by what was drawn.
    order = sorted(range(drawn), key=lambda place: shown.items[place].chunk_id)
    features = np.array([shown.items[place].features for place in order], dtype=np.float64)
    first = shown.items[0]
    worth = min(1.0, max(0.0, labels.get(first.rank, 0.0)))
    return DrawnList(features, order.index(0), exp(first.log_propensity), worth)


def compare(lists: Sequence[DrawnList], candidate: Sequence[float], live: Sequence[float], alpha: float) -> Comparison:
    """The candidate's value less the live one's; `lower` holds with probability 1 - alpha (percentile bootstrap)."""
    theirs, ours = np.array(candidate, dtype=np.float64), np.array(live, dtype=np.float64)
    rewards = np.array([each.reward for each in lists], dtype=np.float64)
    weights = [_weights(lists, each) for each in (theirs, ours)]
    resampled = np.random.default_rng(SEED).multinomial(len(lists), [1.0 / len(lists)] * len(lists), RESAMPLES)
    snips = _snips(weights[0], rewards) - _snips(weights[1], rewards)
    snipped = [_snips_of(resampled, each, rewards) for each in weights]
    robust = _robust(lists, theirs, weights[0], rewards) - _robust(lists, ours, weights[1], rewards)
    means = (resampled * robust).sum(axis=1) / len(lists)
    return Comparison(
        _estimate(snips, np.quantile(snipped[0] - snipped[1], alpha)),
        _estimate(float(robust.mean()), np.quantile(means, alpha)),
        len(lists),
    )


def value(lists: Sequence[DrawnList], weights: Sequence[float]) -> float:
    """The SNIPS estimate of one order's value: the mean reward of its first places."""
    rewards = np.array([each.reward for each in lists], dtype=np.float64)
    return _snips(_weights(lists, np.array(weights, dtype=np.float64)), rewards)


def _weights(lists: Sequence[DrawnList], order: Floats) -> Floats:
    agree = [each.choice(order) == each.first for each in lists]
    return np.array(
        [1.0 / max(LEAST_PROPENSITY, each.propensity) if a else 0.0 for a, each in zip(agree, lists, strict=True)]
    )


def _snips(weights: Floats, rewards: Floats) -> float:
    total = float(weights.sum())
    return float((weights * rewards).sum()) / total if total else 0.0


def _snips_of(resampled: NDArray[np.int64], weights: Floats, rewards: Floats) -> Floats:
    totals: Floats = (resampled * weights).sum(axis=1)
    sums: Floats = (resampled * (weights * rewards)).sum(axis=1)
    means: Floats = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    return means


def _robust(lists: Sequence[DrawnList], order: Floats, weights: Floats, rewards: Floats) -> Floats:
    """The doubly robust estimate, list by list; the regression that predicts one half is fitted on the other."""
    shown: Floats = np.array([(1.0, *each.features[each.first]) for each in lists], dtype=np.float64)
    chosen: Floats = np.array([(1.0, *each.features[each.choice(order)]) for each in lists], dtype=np.float64)
    halves = np.arange(len(lists)) % 2
    found: Floats = np.zeros(len(lists), dtype=np.float64)
    for half in (0, 1):
        mine = halves == half
        model: Floats = _ridge(shown[~mine], rewards[~mine])
        predicted, expected = (shown[mine] * model).sum(axis=1), (chosen[mine] * model).sum(axis=1)
        found[mine] = expected + weights[mine] * (rewards[mine] - predicted)
    return found


def _ridge(rows: Floats, rewards: Floats) -> Floats:
    squares = rows.T @ rows + RIDGE * np.identity(rows.shape[1])
    return np.asarray(np.linalg.solve(squares, rows.T @ rewards), dtype=np.float64)


def _estimate(difference: float, lower: float) -> Estimate:
    # What processors differ in stays below.
    return Estimate(round(float(difference), 9), round(float(lower), 9))
