"""How far a user's word is believed.

Two things are asked. Does the user tell good from bad where that is known? That
is measured on gold questions, which come among the others: the share of what is
relevant that the user is for, less that of what is not (informedness; Powers,
"Evaluation: from precision, recall and F-measure to informedness", 2011), each
with a Beta prior. It is 1 for who is always right, 0 for who clicks by chance,
however much, and below for who says the opposite. And does the user agree with
those who were so measured, where they agree, not counting the user's own word?
That can only take trust away: a crowd of strangers proves nothing to each other.

Trust moves in steps, so that what was learned changes when a user's standing
does, and not with every reaction.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from math import floor

# Before anything is known a user is for two of three relevant passages, and one of three others.
PRIOR_FOR, PRIOR_AGAINST = 2.0, 1.0
# Who is this informed counts in full: who opens nine relevant passages of ten, and four of ten others, has 0.5.
FULL = 0.5
STEPS = 10
# Measured by so many known passages, a user has a standing; by fewer, a stranger's.
MIN_MEASURES = 4
# Agreement with others is asked from so many passages on.
MIN_AGREEMENTS = 4
# What a stranger's word counts where others are measured.
STRANGER = 0.3
# Passages a user is measured by; past that, one more changes nothing that can be seen.
MAX_MEASURES = 256
# Whether a passage is relevant, and whether the user is for it.
_WORDS = ((True, True), (True, False), (False, True), (False, False))


@dataclass(slots=True)
class Tally:
    """What a user said of passages that are known to be relevant or not; one word a passage. Owned by one task."""

    said: dict[Hashable, tuple[bool, bool]] = field(default_factory=dict)
    _counts: dict[tuple[bool, bool], int] = field(default_factory=lambda: dict.fromkeys(_WORDS, 0))

    def put(self, passage: Hashable, *, is_relevant: bool, is_for: bool) -> bool:
        """Notes, or corrects, what the user said; returns whether anything changed."""
        word = (is_relevant, is_for)
        if self.said.get(passage) == word or (passage not in self.said and len(self.said) >= MAX_MEASURES):
            return False
        self.drop(passage)
        self.said[passage] = word
        self._counts[word] += 1
        return True

    def drop(self, passage: Hashable) -> bool:
        """Takes a passage out, of which it is no longer known; returns whether it was in."""
        word = self.said.pop(passage, None)
        if word is not None:
            self._counts[word] -= 1
        return word is not None

    def informedness(self) -> float:
        """From -1 to 1; a third before anything is known."""
        return self._share_for(relevant=True) - self._share_for(relevant=False)

    def trust(self) -> float:
        """Informedness as a weight: 0 to 1, in steps."""
        return floor(min(max(self.informedness() / FULL, 0.0), 1.0) * STEPS + 1e-9) / STEPS

    def _share_for(self, *, relevant: bool) -> float:
        is_for, is_against = self._counts[relevant, True], self._counts[relevant, False]
        before = PRIOR_FOR if relevant else PRIOR_AGAINST
        return (before + is_for) / (PRIOR_FOR + PRIOR_AGAINST + is_for + is_against)


@dataclass(slots=True)
class Standing:
    """What is known of one user. Owned by one task."""

    gold: Tally = field(default_factory=Tally)
    agreement: Tally = field(default_factory=Tally)
    # Held by an alarm until measured, or until an expert says the same.
    is_suspect: bool = False
    confirmed: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether gold questions say enough."""
        return len(self.gold.said) >= MIN_MEASURES

    @property
    def witness(self) -> float:
        """What the user's word counts when others are compared with it: by gold questions alone, so that those who
        agree with each other make no truth.
        """
        return self.gold.trust() if self.is_measured else 0.0

    def weight(self, *, has_gold: bool) -> float:
        """What the user's votes count, 0 to 1; `has_gold` says whether the tenant has gold questions at all."""
        if self.is_suspect and not (self.confirmed or self.witness > 0.0):
            return 0.0
        alone = self.gold.trust() if self.is_measured else STRANGER if has_gold else 1.0
        agrees = self.agreement.trust() if len(self.agreement.said) >= MIN_AGREEMENTS else 1.0
        return min(alone, agrees)
