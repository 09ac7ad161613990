"""What a list and its judgements say: which of two passages is the better, whichever stood above the other.

A passage that stands high is looked at more, so that its clicks say less. A list
that was drawn by Plackett-Luce could as well have come with the two in each
other's place; with R the list and R* that other one, the weight P(R*) / (P(R) +
P(R*)) makes both count alike (Oosterhuis and de Rijke, "Differentiable unbiased
online learning to rank", CIKM 2018). Both probabilities follow exactly from what
was logged: of the strengths that were drawn by, each is the share that the
logged probability says of what those above had left.
"""

from dataclasses import dataclass

import numpy as np
from headwater_kit.core.impressions import ImpressionItem
from headwater_kit.core.learning import FEATURES
from numpy.typing import NDArray

from headwater_feedback.domain.lessons import Lesson

Floats = NDArray[np.float64]
# Of what could be drawn, less than this was left: what follows was not drawn but appended.
NOTHING_LEFT = 1e-9
# An expert's word counts as that of so many users.
EXPERT_WEIGHT = 3.0


@dataclass(frozen=True, slots=True)
class Preferences:
    """Pairs of places in a list, the better one first, and what each counts.

    `features`: a row a place, drawn or not.
    """

    better: NDArray[np.int64]
    worse: NDArray[np.int64]
    weights: Floats
    features: Floats


def preferences(lesson: Lesson) -> Preferences:
    """All pairs of a list of which one was liked better, both having been looked at; none without features."""
    items = sorted(lesson.closed.impression.items, key=lambda item: item.rank)
    if any(len(item.features) != len(FEATURES) for item in items):
        items = []
    features = np.array([item.features for item in items], dtype=np.float64).reshape(len(items), len(FEATURES))
    strengths, left = drawn(items)
    pairs = [pair for pair in _pairs(lesson, items) if max(pair[0], pair[1]) < len(strengths)]
    better = np.array([pair[0] for pair in pairs], dtype=np.int64)
    worse = np.array([pair[1] for pair in pairs], dtype=np.int64)
    shares = [weight * swap_share(strengths, left, one, other) for one, other, weight in pairs]
    return Preferences(better, worse, np.array(shares, dtype=np.float64), features)


def drawn(items: list[ImpressionItem]) -> tuple[Floats, Floats]:
    """By what strengths the items were drawn, which sum to 1 with those not shown, and what was left before each.

    Shorter than the list where its end was appended without being drawn.
    """
    strengths, left, rest = [], [], 1.0
    for item in items:
        if rest < NOTHING_LEFT:
            break
        chance = float(np.exp(item.log_propensity))
        strengths.append(rest * chance)
        left.append(rest)
        rest *= max(0.0, 1.0 - chance)
    return np.array(strengths, dtype=np.float64), np.array(left, dtype=np.float64)


def swap_share(strengths: Floats, left: Floats, one: int, other: int) -> float:
    """P(R*) / (P(R) + P(R*)), R* being the list with two places' items exchanged."""
    first, last = min(one, other), max(one, other)
    between = left[first + 1 : last + 1]
    # The lists differ in what is left to draw from between the two places, and in nothing else.
    exchanged = between + (strengths[first] - strengths[last])
    odds = float(np.prod(between / np.maximum(exchanged, NOTHING_LEFT * NOTHING_LEFT)))
    return odds / (1.0 + odds) if np.isfinite(odds) else 1.0


def _pairs(lesson: Lesson, items: list[ImpressionItem]) -> list[tuple[int, int, float]]:
    judged = lesson.judgements
    found = [(place, judged[item.rank]) for place, item in enumerate(items) if item.rank in judged]
    pairs = []
    for one, better in found:
        for other, worse in found:
            is_said = better.expert or worse.expert
            if better.label > worse.label and (is_said or not lesson.is_amended):
                weight = EXPERT_WEIGHT if is_said else 1.0
                pairs.append((one, other, weight * (better.label - worse.label)))
    return pairs
