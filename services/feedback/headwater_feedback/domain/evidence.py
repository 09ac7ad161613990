"""What a gate knows of a tenant's lists: those whose order was drawn, the last of each question, and how they did."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from headwater_kit.core.impressions import ImpressionClosed
from headwater_kit.core.learning import FEATURES, GoldQuestion, ServingPolicy
from headwater_kit.core.questions import question_key

from headwater_feedback.domain.offpolicy import DrawnList, Floats, drawn_list
from headwater_feedback.domain.orders import ndcg, overlap

# Lists whose order was drawn; about 1 KiB each.
MAX_DRAWN = 1_000
# Questions whose last list is kept.
MAX_QUESTIONS = 1_000
# Impressions that are known again when they come again.
MAX_SEEN = 20_000
# Lists by which it is told how things went of late.
RECENT = 200
DEPTH = 10


@dataclass(frozen=True, slots=True)
class ShownList:
    """A list as a ranker sees it: features and document of each passage, in the order shown."""

    features: Floats
    documents: tuple[str, ...]

    def order(self, weights: Sequence[float]) -> list[int]:
        """The passages by these weights, best first; ties as shown."""
        scores = (self.features * np.array(weights, dtype=np.float64)).sum(axis=1)
        return [int(place) for place in np.argsort(-scores, kind="stable")]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one list."""

    reward: float
    abandoned: bool


@dataclass(slots=True)
class Evidence:
    """Of one tenant, in the order of its examples. Owned by one task."""

    drawn: deque[DrawnList] = field(default_factory=lambda: deque(maxlen=MAX_DRAWN))
    shown: OrderedDict[str, ShownList] = field(default_factory=OrderedDict)
    recent: deque[Outcome] = field(default_factory=lambda: deque(maxlen=RECENT))
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def add(self, closed: ImpressionClosed) -> bool:
        """Takes a list in; False where it was known, so that an amendment or a repetition counts once.

        What others than its own reader made of it beside is no list of its own.
        """
        shown = closed.impression
        if closed.reader or shown.impression_id in self._seen:
            return False
        self._seen[shown.impression_id] = None
        _bound(self._seen, MAX_SEEN)
        if (drawn := drawn_list(closed)) is not None:
            self.drawn.append(drawn)
        if shown.items and all(len(item.features) == len(FEATURES) for item in shown.items):
            features = np.array([item.features for item in shown.items], dtype=np.float64)
            key = question_key(shown.query)
            self.shown[key] = ShownList(features, tuple(item.document_id for item in shown.items))
            self.shown.move_to_end(key)
            _bound(self.shown, MAX_QUESTIONS)
        if shown.serving.policy is ServingPolicy.EXPLOIT:
            self.recent.append(Outcome(closed.reward, closed.abandoned))
        return True

    def gold(self, questions: Sequence[GoldQuestion], weights: Sequence[float]) -> tuple[float, int]:
        """Mean nDCG@10 of the gold questions that were asked, re-ranked by these weights, and how many those were."""
        asked = [(question, self.shown.get(question_key(question.query))) for question in questions]
        found = [_graded(question, shown, weights) for question, shown in asked if shown is not None]
        return (sum(found) / len(found) if found else 0.0), len(found)

    def overlap(self, one: Sequence[float], other: Sequence[float]) -> tuple[float, int]:
        """How much two orders have in common of a list's first half, ten at most; the mean over the last lists."""
        lists = list(self.shown.values())[-RECENT:]
        shares = [
            overlap(each.order(one), each.order(other), min(DEPTH, max(1, len(each.documents) // 2))) for each in lists
        ]
        return (sum(shares) / len(shares) if shares else 1.0), len(shares)

    def abandoned(self) -> float:
        """Share of the last lists that were left without anything."""
        return sum(each.abandoned for each in self.recent) / len(self.recent) if self.recent else 0.0


def _graded(question: GoldQuestion, shown: ShownList, weights: Sequence[float]) -> float:
    known = {label.document_id: 0 for label in question.labels}
    for label in question.labels:
        known[label.document_id] = max(known[label.document_id], label.grade)
    # A document counts where its first passage stands.
    ranked = list(dict.fromkeys(shown.documents[place] for place in shown.order(weights)))
    return ndcg([known.get(document, 0) for document in ranked], list(known.values()), DEPTH)


def _bound(kept: OrderedDict[str, object] | OrderedDict[str, None] | OrderedDict[str, ShownList], most: int) -> None:
    if len(kept) > most:
        kept.popitem(last=False)
