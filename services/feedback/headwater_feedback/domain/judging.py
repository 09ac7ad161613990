"""What the reactions to a list say of each of its items.

Which items were looked at follows a reader who goes down the list (cascade
model, Craswell et al. 2008): all above the last one used, that one, and one
more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from headwater_kit.core.impressions import FeedbackRecorded, ImpressionItem, Judgement, Reaction

# Who stays so long has read; who leaves sooner than the other has not found it.
READ_SECONDS = 30.0
BOUNCE_SECONDS = 5.0
EXPERT_LABELS = (-1.0, 0.3, 0.7, 1.0)
# What is done, not said, weighs less than what is said; the most telling thing done counts.
IMPLICIT_LABELS: Mapping[Reaction, float] = {
    Reaction.CLICK: 0.5,
    Reaction.CITATION_OPENED: 0.5,
    Reaction.DWELL: 0.7,
    Reaction.COPY: 0.8,
}
# A list that was left for another question was looked at, and not used.
LEAVING = (Reaction.REFORMULATED, Reaction.ABANDONED)


@dataclass(frozen=True, slots=True)
class Meant:
    """A reaction and the items that it is about."""

    feedback: FeedbackRecorded
    items: tuple[ImpressionItem, ...]


def judge(items: Sequence[ImpressionItem], cited: Iterable[str], meant: Iterable[Meant]) -> tuple[Judgement, ...]:
    """One judgement an item, by rank. The order of `meant` does not matter."""
    said = sorted(meant, key=lambda one: (one.feedback.time, one.feedback.user, one.feedback.feedback_id))
    sources = frozenset(cited)
    looked_at = _looked_at(items, sources, said)
    return tuple(_judgement(item, sources, looked_at, said) for item in sorted(items, key=lambda item: item.rank))


def left(meant: Iterable[Meant]) -> bool:
    """Whether the list was left without use: somebody asked anew or went away, and nobody found anything good."""
    said = [one.feedback for one in meant]
    return any(one.reaction in LEAVING for one in said) and not any(_is_good(one) for one in said)


def _judgement(
    item: ImpressionItem, sources: frozenset[str], looked_at: frozenset[int], said: Sequence[Meant]
) -> Judgement:
    mine = [one.feedback for one in said if item in one.items]
    experts = [one for one in mine if one.reaction is Reaction.EXPERT_LABEL]
    return Judgement(
        rank=item.rank,
        label=EXPERT_LABELS[int(experts[-1].value)] if experts else _mean(_by_user(mine)),
        examined=item.rank in looked_at,
        cited=item.chunk_id in sources,
        dwell_seconds=_longest(mine),
        reactions=tuple(one.reaction for one in mine),
        expert=bool(experts),
    )


def _looked_at(items: Sequence[ImpressionItem], sources: frozenset[str], said: Sequence[Meant]) -> frozenset[int]:
    """Ranks that were looked at: experts go through no list, so that theirs say so of their items alone."""
    if not said:
        return frozenset()
    labelled = {item.rank for one in said if one.feedback.reaction is Reaction.EXPERT_LABEL for item in one.items}
    readers = [one for one in said if one.feedback.reaction is not Reaction.EXPERT_LABEL]
    if not readers:
        return frozenset(labelled)
    used = {item.rank for one in readers if one.feedback.reaction not in LEAVING for item in one.items}
    first = min((item.rank for item in items), default=0)
    last = max(used) + 1 if used else first
    in_answer = {item.rank for item in items if item.chunk_id in sources}
    return frozenset({item.rank for item in items if item.rank <= last} | in_answer | labelled)


def _by_user(said: Sequence[FeedbackRecorded]) -> list[float]:
    users = dict.fromkeys(one.user for one in said if one.reaction not in LEAVING)
    return [_label([one for one in said if one.user == user]) for user in users]


def _label(said: Sequence[FeedbackRecorded]) -> float:
    """What one user's reactions say: the last that was said, or else the most telling thing that was done."""
    spoken = [label for label in map(_spoken, said) if label is not None]
    return spoken[-1] if spoken else _done(said)


def _spoken(feedback: FeedbackRecorded) -> float | None:
    match feedback.reaction:
        case Reaction.UP:
            return 1.0
        case Reaction.DOWN:
            return -1.0
        case Reaction.RATING:
            return (feedback.value - 3.0) / 2.0
        case _:
            return None


def _done(said: Sequence[FeedbackRecorded]) -> float:
    stays = [one.value for one in said if one.reaction is Reaction.DWELL]
    bounced = bool(stays) and max(stays) < BOUNCE_SECONDS
    return max(chain([0.0], (_done_label(one, bounced=bounced) for one in said)))


def _done_label(feedback: FeedbackRecorded, *, bounced: bool) -> float:
    opened = feedback.reaction in (Reaction.CLICK, Reaction.CITATION_OPENED)
    if (opened and bounced) or (feedback.reaction is Reaction.DWELL and feedback.value < READ_SECONDS):
        return 0.0
    return IMPLICIT_LABELS.get(feedback.reaction, 0.0)


def _is_good(feedback: FeedbackRecorded) -> bool:
    return (_spoken(feedback) or 0.0) > 0.0 or feedback.reaction is Reaction.COPY


def _longest(said: Sequence[FeedbackRecorded]) -> float:
    return max((one.value for one in said if one.reaction is Reaction.DWELL), default=0.0)


def _mean(labels: Sequence[float]) -> float:
    return sum(labels) / len(labels) if labels else 0.0
