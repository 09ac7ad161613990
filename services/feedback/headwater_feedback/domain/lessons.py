"""Which examples models learn from: lists that are closed, each of them once.

A list comes again when the join is repeated and when it is amended. What was
learned from it cannot be taken back out of a sum, so the first that comes
counts, and of an amendment what an expert says, which is worth being said late.
"""

from collections import OrderedDict
from dataclasses import dataclass

from headwater_kit.core.impressions import ImpressionClosed, Judgement
from headwater_kit.core.learning import ServingPolicy

from headwater_feedback.domain.learners import Example

# Lists whose repetition is noticed, about 200 bytes each; it comes within a day, or not at all.
MAX_SEEN = 100_000
LEARN_BUCKET = frozenset({ServingPolicy.LEARN})


@dataclass(frozen=True, slots=True)
class Lesson:
    """A closed list to learn from; of an amended one, only what experts say is new."""

    closed: ImpressionClosed
    is_amended: bool = False

    @property
    def judgements(self) -> dict[int, Judgement]:
        """What was made of the items that were looked at, by rank."""
        return {each.rank: each for each in self.closed.judgements if each.examined or each.expert}


class Lessons:
    """Picks the lessons of one tenant out of its examples, in their order."""

    def __init__(self, policies: frozenset[ServingPolicy] = LEARN_BUCKET, most: int = MAX_SEEN) -> None:
        self._policies = policies
        self._most = most
        self._revisions: OrderedDict[str, int] = OrderedDict()

    def of(self, example: Example) -> Lesson | None:
        """What is to be learned from the example; None if nothing is.

        Lists made by other policies say what was thought before rather than what
        is sought: a ranker that is fed with lists which the click memory boosted
        unlearns what it knew of other questions.
        """
        closed = example.event
        if not isinstance(closed, ImpressionClosed) or closed.impression.serving.policy not in self._policies:
            return None
        known = self._revisions.get(_name(closed))
        if known is not None and closed.revision <= known:
            return None
        self._note(closed)
        if known is None and not closed.reader:
            return Lesson(closed)
        return Lesson(closed, is_amended=True) if any(each.expert for each in closed.judgements) else None

    def _note(self, closed: ImpressionClosed) -> None:
        self._revisions[_name(closed)] = closed.revision
        if len(self._revisions) > self._most:
            self._revisions.popitem(last=False)


def _name(closed: ImpressionClosed) -> str:
    return f"{closed.impression.impression_id}\x1f{closed.reader}"
