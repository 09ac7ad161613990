"""Topics: questions that are about the like, each topic around the first question of its kind.

Leader clustering (Hartigan, "Clustering Algorithms", 1975): a question joins the
nearest topic, or begins one if none is near. What was found once is never
arranged anew, so a new topic leaves the old ones as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from headwater_feedback.domain.preferences import Floats


@dataclass(slots=True)
class Opinion:
    """What users last said of the passages of one question: label by user, by text hash."""

    vector: Floats
    labels: dict[str, dict[str, float]] = field(default_factory=dict)

    def say(self, text_hash: str, user: str, label: float, most: int) -> None:
        """Notes a user's word, which takes the place of the one before; nothing of so many others more."""
        said = self.labels.setdefault(text_hash, {})
        if user in said or len(said) < most:
            said[user] = label

    def liked(self, text_hash: str) -> float:
        """Users for it less users against it."""
        return float(sum(np.sign(label) for label in self.labels[text_hash].values()))


@dataclass(slots=True)
class Topic:
    """A topic's first question, and what was made of all its questions, by their vectors' bytes."""

    leader: Floats
    opinions: dict[bytes, Opinion] = field(default_factory=dict)

    @property
    def centre(self) -> Floats:
        """The direction that its questions have in common, of length 1."""
        total = np.sum([each.vector for each in self.opinions.values()], axis=0)
        return np.asarray(total / np.sqrt((total * total).sum()))


def nearest(topics: Sequence[Topic], vector: Floats, min_cosine: float) -> Topic | None:
    """The topic whose leader is nearest; None if none is as near as that."""
    if not topics:
        return None
    cosines = [float((topic.leader * vector).sum()) for topic in topics]
    best = int(np.argmax(cosines))
    return topics[best] if cosines[best] >= min_cosine else None


def unpacked(vector: bytes) -> Floats:
    """A packed vector's numbers."""
    return np.frombuffer(vector, dtype="<f4").astype(np.float64)
