"""How good a passage is by what users say of it, each believed as far as others bear them out.

Method: users and passages are estimated from each other, in turn (Dawid and Skene,
"Maximum likelihood estimation of observer error-rates using the EM algorithm",
1979), each passage as soon as there is a new word on it and again now and then
(Neal and Hinton, "A view of the EM algorithm that justifies incremental, sparse, and
other variants", 1998). What a user said of a passage has no part in what the user
is held against (Karger, Oh and Shah, "Iterative learning for reliable
crowdsourcing systems", 2011): otherwise everybody would bear out themselves.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import tanh

from headwater_feedback.domain.opinions import PassageName, Strength, Vote
from headwater_feedback.domain.trust import CERTAIN, STEPS

# An expert's word counts as much as so many users'.
EXPERT_WEIGHT = 5.0
# Strangers together count so many steps on a passage at most, or half of what those do who were measured: there can be
# any number of them, and those who agree with each other must not make a truth.
STRANGERS = 2 * STEPS
# From here on it is as good as certain.
_FAR = 8 * STEPS
# Of the odds in tenths of a bit, how sure they make it, in tenths: 2p - 1.
_BELIEFS = tuple(round(CERTAIN * tanh(bits / STEPS * 0.6931471805599453 / 2.0)) for bits in range(_FAR + 1))
# With each example so many votes are looked at again, on so many passages at most.
VOTES_AGAIN, PASSAGES_AGAIN = 32, 16


def beliefs(votes: Mapping[str, Vote], weigh: Callable[[str, Vote], tuple[int, bool]]) -> Iterator[tuple[str, int]]:
    """Each voter, and how good the passage is by the word of the others, -10 to 10; 0 where there is no other.

    `weigh` says what a user's vote counts, in steps, and whether that was measured;
    an expert's counts as several. Strangers have half of a say together, however many.
    """
    weights = {voter: _weight(vote, weigh(voter, vote)) for voter, vote in votes.items()}
    strangers = sum(weight for weight, is_measured in weights.values() if not is_measured)
    most = max(STRANGERS, sum(weight for weight, is_measured in weights.values() if is_measured) // 2)

    def evidence(voter: str, vote: Vote) -> int:
        weight, is_measured = weights[voter]
        counted = weight if is_measured or strangers <= most else weight * most // strangers
        return counted if vote.value > 0.0 else -counted

    said = {voter: evidence(voter, vote) for voter, vote in votes.items()}
    total = sum(said.values())
    for voter, own in said.items():
        yield voter, belief(total - own)


def belief(evidence: int) -> int:
    """How good a passage is with so many tenths of a bit for it, or against."""
    sure = _BELIEFS[min(abs(evidence), _FAR)]
    return sure if evidence > 0 else -sure


def _weight(vote: Vote, weight: tuple[int, bool]) -> tuple[int, bool]:
    return (int(EXPERT_WEIGHT * STEPS), True) if vote.strength is Strength.EXPERT else weight


class Rounds:
    """Passages that are looked at again, in turn. Owned by one task."""

    def __init__(self) -> None:
        self._turn: deque[tuple[str, PassageName]] = deque()
        self._queued: set[tuple[str, PassageName]] = set()

    def add(self, place: tuple[str, PassageName]) -> None:
        """A passage that was voted on for the first time, or anew; one that waits still has one turn."""
        if place not in self._queued:
            self._queued.add(place)
            self._turn.append(place)

    def next(self, voters: Callable[[tuple[str, PassageName]], int]) -> Iterator[tuple[str, PassageName]]:
        """The next few; those that have no voters any more are let go."""
        votes = 0
        for _ in range(min(PASSAGES_AGAIN, len(self._turn))):
            if votes >= VOTES_AGAIN:
                return
            place = self._turn.popleft()
            if count := voters(place):
                votes += count
                self._turn.append(place)
                yield place
            else:
                self._queued.discard(place)
