"""How far a user's word is believed.

A user tells good from bad if they are for what answers and not for what does
not: informedness is the share of the one less the share of the other (Powers,
"Evaluation: from precision, recall and F-measure to informedness", 2011), 1 for
who is always right, 0 for who opens by chance, however much, and below for who
says the opposite. It is measured on gold questions, whose answers are known, and
on what others say (`domain.consensus`), each with a Beta prior; who does well on
gold questions alone has nothing from it.

A word counts the logarithm of the odds of its being right (Nitzan and Paroush,
"Optimal decision rules in uncertain dichotomous choice situations", 1982), in
bits, so that one of somebody unknown counts 1. Who is worse than chance counts
nothing: to turn such words round would let liars say the truth to be misread.

Trust moves in steps, so that what was learned changes when a user's standing
does, and not with every reaction. All counts are whole numbers, so that every
machine arrives at the same.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from statistics import fmean

# The informedness of somebody unknown, who is for two of three passages that answer, and one of three others; and as
# how many words that counts, of passages of either kind.
UNKNOWN = 1.0 / 3.0
PRIOR_WORDS = 3.0
# Trust, and how sure it is that a passage is good, are counted in tenths.
STEPS = 10
# A word counts so many bits at most.
MOST_BITS = 3
# The informedness from which a word counts one step more; below what rounding may take.
_LEVELS = tuple(
    round((2.0 ** (step / STEPS) - 1.0) / (2.0 ** (step / STEPS) + 1.0), 9) - 1e-9
    for step in range(1, MOST_BITS * STEPS + 1)
)
# Measured by so many known passages, a user has a standing; by fewer, a stranger's.
MIN_MEASURES = 4
# Words of a user that are remembered; of more the oldest go, so that nobody rests on what they were long ago.
MAX_MEASURES = 256
# Newcomers are believed as far as the last so many were right, once so many of them are known.
NEWCOMERS, MIN_NEWCOMERS = 50, 10
# What is certain, in steps.
CERTAIN = STEPS


@dataclass(slots=True)
class Tally:
    """What a user said of passages, and how good those are held to be; one word a passage. Owned by one task."""

    said: dict[Hashable, tuple[bool, int]] = field(default_factory=dict)
    known: int = 0
    # Steps of certainty, by whether the passage is good and the user for it.
    _counts: dict[tuple[bool, bool], int] = field(default_factory=dict)

    def say(self, passage: Hashable, *, is_for: bool) -> bool:
        """Notes, or corrects, what the user said of a passage; returns whether anything changed."""
        before = self.said.get(passage)
        if before is None and len(self.said) >= MAX_MEASURES:
            self._put(next(iter(self.said)), None)
        word = (is_for, before[1] if before else 0)
        return before != word and self._put(passage, word)

    def believe(self, passage: Hashable, belief: int) -> bool:
        """Notes how good a passage is of which the user said something, -10 (surely not) to 10; whether that is new."""
        word = self.said.get(passage)
        return word is not None and word[1] != belief and self._put(passage, (word[0], belief))

    def count(self, *, good: bool, is_for: bool) -> float:
        """How many passages that are good, or not, the user is for, or against."""
        return self._counts.get((good, is_for), 0) / STEPS

    def _put(self, passage: Hashable, word: tuple[bool, int] | None) -> bool:
        self._add(self.said.pop(passage, None) if word is None else self.said.get(passage), -1)
        if word is not None:
            self.said[passage] = word
        self._add(word, 1)
        return True

    def _add(self, word: tuple[bool, int] | None, sign: int) -> None:
        if word is not None and word[1]:
            key = (word[1] > 0, word[0])
            self._counts[key] = self._counts.get(key, 0) + sign * abs(word[1])
            self.known += sign


def informedness(tallies: tuple[Tally, ...], start: float) -> float:
    """From -1 to 1, by these tallies together; `start` before anything is known."""

    def share_for(*, good: bool) -> float:
        is_for, is_against = (sum(each.count(good=good, is_for=said) for each in tallies) for said in (True, False))
        prior = PRIOR_WORDS * (1.0 + (start if good else -start)) / 2.0
        return (prior + is_for) / (PRIOR_WORDS + is_for + is_against)

    return share_for(good=True) - share_for(good=False)


@dataclass(slots=True)
class Standing:
    """What is known of one user; `start` is the informedness they began with. Owned by one task."""

    start: float = UNKNOWN
    gold: Tally = field(default_factory=Tally)
    agreement: Tally = field(default_factory=Tally)
    # Held by an alarm until measured, or until an expert says the same.
    is_suspect: bool = False
    confirmed: bool = False
    # What the user's votes count, in steps; as of the last `settle`.
    weight: int = 0

    def __post_init__(self) -> None:
        """Somebody new counts, too."""
        self.settle()

    @property
    def is_measured(self) -> bool:
        """Whether enough is known."""
        return self.gold.known + self.agreement.known >= MIN_MEASURES

    @property
    def by_others(self) -> float:
        """Informedness by what others say alone."""
        return informedness((self.agreement,), self.start)

    def settle(self) -> None:
        """Brings `weight` to what is known now."""
        known = informedness((self.gold, self.agreement), self.start)
        # Gold questions prove somebody before others have a say on them, and not against these.
        if self.agreement.known >= MIN_MEASURES:
            known = min(known, self.by_others)
        self.weight = bisect_right(_LEVELS, known)
        if self.is_suspect and not (self.confirmed or self._is_proven):
            self.weight = 0

    @property
    def _is_proven(self) -> bool:
        return self.gold.known >= MIN_MEASURES and informedness((self.gold,), 0.0) > 0.0


class Standings(dict[str, Standing]):
    """The standings of all users; who is new begins with what those who came before turned out to be.

    So a crowd of newcomers who are wrong, in a rush or one by one, soon has no say,
    and newcomers who are right count no more for it than anybody unknown.
    """

    def __init__(self) -> None:
        super().__init__()
        self._newest: deque[Standing] = deque(maxlen=NEWCOMERS)

    def __missing__(self, user: str) -> Standing:
        known = [one.by_others for one in self._newest if one.agreement.known >= MIN_MEASURES]
        start = min(max(fmean(known), 0.0), UNKNOWN) if len(known) >= MIN_NEWCOMERS else UNKNOWN
        self[user] = Standing(start)
        self._newest.append(self[user])
        return self[user]
