"""An order drawn by chance around the best one, and the exact probability that it came.

Method: Plackett-Luce (Luce, "Individual choice behavior", 1959; Plackett, "The
analysis of permutations", 1975): the first is drawn with a probability that goes
with exp(score / temperature), the next in the same way among those left, and so
on. All at once, it is the order of the scores after Gumbel noise is added
(Yellott, 1977).

What holds: the log-propensities of a permutation sum to the logarithm of its
probability, so that what would have been shown otherwise can be told exactly.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p

# Of chance 0 the logarithm is none.
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Drawn:
    """Places in the given list, in the order drawn, and the log-probability of each, given those before it."""

    order: tuple[int, ...]
    log_propensities: tuple[float, ...]


def draw(scores: Sequence[float], temperature: float, rng: random.Random) -> Drawn:
    """All of the list in an order drawn; `temperature`, in units of the scores and above 0: less explores less."""
    strengths = [score / temperature for score in scores]
    noisy = [strength - log(-log(max(rng.random(), TINY))) for strength in strengths]
    order = sorted(range(len(scores)), key=lambda place: -noisy[place])
    return Drawn(tuple(order), tuple(log_propensities([strengths[place] for place in order])))


def log_propensities(strengths: Sequence[float]) -> list[float]:
    """Log-probability of each, to be drawn before all that follow it; 0 of the last."""
    found: list[float] = []
    left = float("-inf")
    for strength in reversed(strengths):
        # log(exp(left) + exp(strength)), without leaving the range of floats.
        high, low = max(left, strength), min(left, strength)
        left = high + log1p(exp(low - high))
        found.append(min(0.0, strength - left))
    return found[::-1]
