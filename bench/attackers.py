"""Users who want a worse order, and how they go about it.

Each is given the list and its grades, which no real attacker knows as well.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headwater_kit.core.documents import text_hash
from simulated import Shown

# An attacker clicks so many passages of a list at most: more is no person's.
MOST = 3


@dataclass(frozen=True, slots=True)
class Campaign:
    """What attackers of one mind know: the document to be promoted, and the questions that they take for tests."""

    target: str
    suspected: frozenset[str]


Attack = Callable[[Shown, Campaign, random.Random], Sequence[int]]


def invert(shown: Shown, _campaign: Campaign, _rng: random.Random) -> Sequence[int]:
    """Clicks what is not relevant, from the top."""
    return [rank for rank, grade in enumerate(shown.grades, start=1) if grade == 0][:MOST]


def promote(shown: Shown, campaign: Campaign, rng: random.Random) -> Sequence[int]:
    """Clicks one document wherever it is shown, and else whatever is not relevant at one place."""
    if campaign.target in shown.documents:
        return [shown.documents.index(campaign.target) + 1]
    return invert(shown, campaign, rng)[:1]


def adaptive(shown: Shown, campaign: Campaign, rng: random.Random) -> Sequence[int]:
    """Behaves well on what it takes for a test, so as to be trusted, and inverts all else.

    Half of the tests are known to it, and one other question in ten is taken for one.
    """
    if shown.question in campaign.suspected:
        return [rank for rank, grade in enumerate(shown.grades, start=1) if grade > 0][:1]
    return invert(shown, campaign, rng)


def collude(shown: Shown, _campaign: Campaign, _rng: random.Random) -> Sequence[int]:
    """Clicks one wrong document of each question, the same for all who attack, and nothing else."""
    wrong = [rank for rank, grade in enumerate(shown.grades, start=1) if grade == 0]
    return sorted(wrong, key=lambda rank: text_hash(shown.question + shown.documents[rank - 1]))[:1]


ATTACKS: Mapping[str, Attack] = {
    "invert": invert,
    "promote": promote,
    "sybil": invert,
    "adaptive": adaptive,
    "collude": collude,
}


def campaign(questions: Sequence[str], tests: Sequence[str], documents: Sequence[str], rng: random.Random) -> Campaign:
    """One that begins: its document, and what it takes for tests."""
    known = [key for key in tests if rng.random() < 0.5]
    mistaken = [key for key in questions if key not in set(tests) and rng.random() < 0.1]
    return Campaign(rng.choice(documents), frozenset((*known, *mistaken)))
