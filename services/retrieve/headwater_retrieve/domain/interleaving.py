"""Two orders shown as one, so that users tell by what they pick which is better.

Method: team-draft interleaving (Radlinski, Kurup and Joachims, "How does
clickthrough data reflect retrieval quality?", CIKM 2008): in each round a coin
says which side picks first, and each puts the best of its own that is not there
yet. Differences of users and questions do not matter, as each list is shown to
one user for one question; so it takes far fewer users than showing each half of
them another list.

What holds: nothing comes twice, nothing is left out, and after every round both
sides have picked as often.
"""

import random
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from headwater_kit.core.learning import Team

T = TypeVar("T")


def team_draft(
    champion: Sequence[T], challenger: Sequence[T], name: Callable[[T], Hashable], rng: random.Random
) -> list[tuple[T, Team]]:
    """All items of both, each once, with the side that picked it; those of equal `name` are one."""
    left = {Team.CHAMPION: list(champion)[::-1], Team.CHALLENGER: list(challenger)[::-1]}
    picked: list[tuple[T, Team]] = []
    seen: set[Hashable] = set()
    while any(left.values()):
        first = rng.random() < 0.5
        for team in (Team.CHAMPION, Team.CHALLENGER) if first else (Team.CHALLENGER, Team.CHAMPION):
            while left[team]:
                item = left[team].pop()
                if name(item) not in seen:
                    seen.add(name(item))
                    picked.append((item, team))
                    break
    return picked
