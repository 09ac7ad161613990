"""Simulated users: how they go down a list, and what they click.

The cascade models of Guo, Liu and Wang ("Efficient multiple-click models in web
search", WSDM 2009) with the numbers of Hofmann, Schuth, Whiteson and de Rijke
("Reusing historical interaction data for faster online learning to rank for IR",
WSDM 2013): by the grade of a passage, the chance that it is clicked and that the
user stops after the click. `position_biased` is the examination model of
Joachims, Swaminathan and Schnabel ("Unbiased learning-to-rank with biased
feedback", WSDM 2017): rank r is looked at with chance 1/r, and a passage that is
not relevant clicked as often as one time in ten.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClickModel:
    """Chances by grade from 0: of a click, and of stopping after it; with `bias` a rank is looked at by chance."""

    click: tuple[float, ...]
    stop: tuple[float, ...]
    bias: float = 0.0

    def clicks(self, grades: Sequence[int], rng: random.Random) -> list[int]:
        """The ranks, from 1, that a user clicks in a list of passages with these grades."""
        clicked = []
        for rank, grade in enumerate(grades, start=1):
            if self.bias and rng.random() >= rank**-self.bias:
                continue
            if rng.random() < self.click[min(grade, len(self.click) - 1)]:
                clicked.append(rank)
                if rng.random() < self.stop[min(grade, len(self.stop) - 1)]:
                    break
        return clicked


# For grades 0 and 1.
BINARY = {
    "perfect": ClickModel((0.0, 1.0), (0.0, 0.0)),
    "navigational": ClickModel((0.05, 0.95), (0.2, 0.9)),
    "informational": ClickModel((0.4, 0.9), (0.1, 0.5)),
    "near_random": ClickModel((0.4, 0.6), (0.5, 0.5)),
    "position_biased": ClickModel((0.1, 1.0), (0.0, 0.0), bias=1.0),
}
# For grades 0 to 4.
GRADED = {
    "perfect": ClickModel((0.0, 0.2, 0.4, 0.8, 1.0), (0.0,) * 5),
    "navigational": ClickModel((0.05, 0.3, 0.5, 0.7, 0.95), (0.2, 0.3, 0.5, 0.7, 0.9)),
    "informational": ClickModel((0.4, 0.6, 0.7, 0.8, 0.9), (0.1, 0.2, 0.3, 0.4, 0.5)),
    "near_random": ClickModel((0.4, 0.45, 0.5, 0.55, 0.6), (0.5,) * 5),
}
