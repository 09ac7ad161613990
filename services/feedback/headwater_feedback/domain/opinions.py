"""What a reaction says of a passage, as a number, and which of several counts.

A user's word on a passage is the strongest that they gave: a label as an expert
before an outright judgement, that before a use, and that before a passing over;
among equals the latest. So neither the order in which reactions arrive nor how
often one comes changes anything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionItem,
    ImpressionRecorded,
    Reaction,
)

# Times come from whoever reacts; what is later than this after the showing is not joined, so nobody means it.
MAX_DELAY_SECONDS = 24 * 60 * 60.0
# Who stays this long has found something (Fox et al., "Evaluating implicit measures to improve web search", 2005).
SATISFIED_SECONDS = 30.0
# A use says less than a judgement, and a passing over, which may be for want of time, less still.
CLICK = 0.6
COPY = 0.9
PASS = -0.3


class Strength(IntEnum):
    """How outright an opinion is."""

    PASSED = 0
    USED = 1
    JUDGED = 2
    EXPERT = 3


@dataclass(frozen=True, slots=True, order=True)
class PassageName:
    """A passage across versions of its document: it lives as long as its text does."""

    document_id: str
    text_hash: str


@dataclass(frozen=True, slots=True)
class Vote:
    """A user's word on a passage: `value` from -1 (harmful) to 1 (what was sought), at a time in seconds.

    `version` of the document that was shown; `source` tells votes of one time apart.
    """

    value: float
    strength: Strength
    time: float
    version: int
    source: str

    def outdoes(self, other: "Vote | None") -> bool:
        """Whether it counts in the other's place."""
        return other is None or self.order > other.order

    @property
    def order(self) -> tuple[Strength, float, str, float, int]:
        """What decides which of two counts."""
        return self.strength, self.time, self.source, self.value, self.version


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote, whose it is, and on what."""

    voter: str
    passage: PassageName
    vote: Vote


Example = FeedbackJoined | ImpressionClosed


def ballots(example: Example) -> tuple[Ballot, ...]:
    """What an example says of the passages that were shown."""
    return tuple(_joined(example) if isinstance(example, FeedbackJoined) else _closed(example))


def opinion(feedback: FeedbackRecorded) -> tuple[float, Strength] | None:
    """What a reaction says of the passages it is about; None where it says nothing, as a correction does."""
    said = _OPINIONS.get(feedback.reaction)
    return said(feedback.value) if said else None


def people(example: Example) -> frozenset[str]:
    """All whose doing an example is."""
    shown_to = voter_of(example.impression)
    beside = example.feedback.user if isinstance(example, FeedbackJoined) else example.reader
    return frozenset({shown_to, beside or shown_to})


def voter_of(impression: ImpressionRecorded) -> str:
    """Who was shown a list."""
    return impression.pseudonym or impression.user


def event_time(feedback: FeedbackRecorded, impression: ImpressionRecorded) -> float:
    """When somebody reacted, as far as it may be believed: a time in the far future would make others' votes old."""
    return min(max(feedback.time, impression.show_time), impression.show_time + MAX_DELAY_SECONDS)


def _joined(example: FeedbackJoined) -> Iterator[Ballot]:
    said = opinion(example.feedback)
    if said is None:
        return
    value, strength = said
    time = event_time(example.feedback, example.impression)
    for item in example.items:
        vote = Vote(value, strength, time, item.version, example.feedback.feedback_id)
        yield Ballot(example.feedback.user, _name(item), vote)


def _closed(example: ImpressionClosed) -> Iterator[Ballot]:
    """What was looked at and passed over; what was reacted to has come by itself."""
    shown = example.impression
    if example.reader:
        return  # what its own reader passed over, and that has come
    if voter_of(shown) in ("", ANONYMOUS):
        return  # many people, of whom another may have used what this one passed over
    items = {item.rank: item for item in shown.items}
    for judged in example.judgements:
        if judged.rank in items and judged.examined and not judged.reactions:
            item = items[judged.rank]
            vote = Vote(PASS, Strength.PASSED, shown.show_time, item.version, shown.impression_id)
            yield Ballot(voter_of(shown), _name(item), vote)


def _name(item: ImpressionItem) -> PassageName:
    return PassageName(item.document_id, item.text_hash)


def _dwelt(seconds: float) -> tuple[float, Strength]:
    return min(max(seconds, 0.0) / SATISFIED_SECONDS, 1.0), Strength.USED


_OPINIONS: Mapping[Reaction, Callable[[float], tuple[float, Strength]]] = {
    Reaction.UP: lambda _: (1.0, Strength.JUDGED),
    Reaction.DOWN: lambda _: (-1.0, Strength.JUDGED),
    Reaction.CLICK: lambda _: (CLICK, Strength.USED),
    Reaction.CITATION_OPENED: lambda _: (CLICK, Strength.USED),
    Reaction.COPY: lambda _: (COPY, Strength.USED),
    Reaction.DWELL: _dwelt,
    # 3 of 5 is neither for nor against; an expert's 1 of 3, touches on it, likewise a little against.
    Reaction.RATING: lambda stars: ((min(max(stars, 1.0), 5.0) - 3.0) / 2.0, Strength.JUDGED),
    Reaction.EXPERT_LABEL: lambda grade: (min(max(grade, 0.0), 3.0) / 1.5 - 1.0, Strength.EXPERT),
    Reaction.REFORMULATED: lambda _: (PASS, Strength.PASSED),
    Reaction.ABANDONED: lambda _: (PASS, Strength.PASSED),
}
