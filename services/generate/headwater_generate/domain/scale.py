"""Cosines of any encoder on one scale.

Encoders crowd their vectors into a cone (Ethayarajh, "How Contextual are
Contextualized Word Representations?", EMNLP 2019), one more than another: texts
that have nothing to do with each other may have a cosine of 0.0 or of 0.7. So a
bound on a cosine means nothing without the encoder's own zero, which is found
by asking it about texts whose lack of relation is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from headwater_generate.domain.vectors import cosine

# Questions and sentences of as many topics; none answers another's question, nor does one line stand beside its own.
QUESTIONS = (
    "How long does the ferry to the island take?",
    "Which bread keeps fresh for a week?",
    "Who may sign a contract for the company?",
    "Why does the pump lose pressure at night?",
    "What is the capital gains tax on shares?",
    "When do swallows leave for the south?",
    "How do I restore a database from a backup?",
    "Which medicine must not be taken with milk?",
)
SENTENCES = (
    "The museum shows glass and porcelain of four centuries.",
    "Bolts are tightened crosswise with a torque wrench.",
    "The choir rehearses every Thursday in the parish hall.",
    "Volcanic soil holds water well and is easy to dig.",
    "The parser reads one token ahead and never goes back.",
    "Both teams were level at half time.",
    "Velvet is brushed with the pile and never ironed flat.",
    "The moon has no atmosphere that could carry sound.",
)
# What the default encoder, bge-small-en-v1.5, gives such pairs in the mean (`tests/integration/test_encoder.py`).
REFERENCE = 0.35


@dataclass(frozen=True, slots=True)
class Scale:
    """An encoder's zero: `unrelated` is the mean cosine, below 1, of texts that have nothing to do with each other."""

    unrelated: float = REFERENCE

    def similarity(self, cosine: float) -> float:
        """The cosine as the default encoder would give it: equal texts stay at 1, unrelated ones come to REFERENCE."""
        return 1.0 - self.difference(1.0 - cosine)

    def difference(self, cosines: float) -> float:
        """A difference of two cosines, likewise."""
        # An encoder for which all texts are one tells nothing apart, whatever the scale.
        return cosines * (1.0 - REFERENCE) / max(1.0 - self.unrelated, 1e-6)


def scale_of(questions: Sequence[bytes], sentences: Sequence[bytes]) -> Scale:
    """The scale of the encoder that made these vectors of QUESTIONS and SENTENCES."""
    return Scale(fmean(cosine(question, sentence) for question in questions for sentence in sentences))
