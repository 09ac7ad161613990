"""Reviewing: what a person should look at, of the latest that was joined and put aside."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import FeedbackJoined, FeedbackQuarantined, ImpressionClosed
from headwater_kit.core.questions import question_key
from headwater_kit.core.reviews import ReviewItem, ReviewKind
from headwater_kit.core.tenants import Erasures

from headwater_feedback.domain.opinions import Example
from headwater_feedback.domain.reviews import (
    contested,
    corrections,
    in_doubt,
    in_order,
    quarantined,
    unanswered,
    uncertain,
)
from headwater_feedback.handlers.conditions import Conditions

# Of a tenant, the latest of each: what is older waited long enough to be looked at. Some KiB each at most.
MAX_EXAMPLES = 5_000
MAX_ASIDE = 1_000
MAX_LIMIT = 500
DEFAULT_LIMIT = 50


class Reviews:
    """The latest examples and what was put aside, by tenant. Owned by the event loop; never blocks.

    What was forgotten, or erased, is not shown.
    """

    def __init__(self, conditions: Conditions, erasures: Erasures) -> None:
        self._conditions = conditions
        self._erasures = erasures
        self._examples: defaultdict[str, OrderedDict[bytes, Example]] = defaultdict(OrderedDict)
        self._doubtful: defaultdict[str, OrderedDict[bytes, ImpressionClosed]] = defaultdict(OrderedDict)
        self._aside: defaultdict[str, deque[FeedbackQuarantined]] = defaultdict(lambda: deque(maxlen=MAX_ASIDE))

    def take(self, tenant: str, key: bytes, example: Example | None) -> None:
        """Takes an example in, in the place of that of its key; None takes it back."""
        self._doubt(tenant, key, example)
        mine = self._examples[tenant]
        mine.pop(key, None)
        if example is not None and _matters(example) and example.impression.tenant == tenant:
            mine[key] = _in_short(example)
            if len(mine) > MAX_EXAMPLES:
                mine.popitem(last=False)

    def _doubt(self, tenant: str, key: bytes, example: Example | None) -> None:
        """Keeps the last revision of a list while it is in doubt; the revision ends the key."""
        mine, name = self._doubtful[tenant], key.rpartition(b"\x1f")[0] or key
        mine.pop(name, None)
        if isinstance(example, ImpressionClosed) and example.impression.tenant == tenant and in_doubt(example):
            items = tuple(replace(item, features=(), vector=b"") for item in example.impression.items[:2])
            shown = replace(example.impression, query_vector=b"", items=items)
            mine[name] = replace(example, impression=shown, judgements=())
            if len(mine) > MAX_ASIDE:
                mine.popitem(last=False)

    def put_aside(self, aside: FeedbackQuarantined) -> None:
        """Takes in what is to have no effect."""
        self._aside[aside.feedback.tenant].append(aside)

    def of(self, tenant: str, kind: ReviewKind | None = None, limit: int = 0) -> Iterator[ReviewItem]:
        """What to look at, kind by kind, `limit` of each at most; 0 means 50. Raises InvalidInput."""
        if not 0 <= limit <= MAX_LIMIT:
            raise InvalidInput(f"limit must be 0 to {MAX_LIMIT}, is {limit}", field="limit")
        kinds = [kind] if kind else list(ReviewKind)
        return (item for one in kinds for item in islice(in_order(self._items(tenant, one)), limit or DEFAULT_LIMIT))

    def _items(self, tenant: str, kind: ReviewKind) -> Iterable[ReviewItem]:
        known = self._examples[tenant].values() if tenant in self._examples else ()
        examples = [each for each in known if self._conditions.admits(each)]
        settled = self._conditions.gold(tenant)
        match kind:
            case ReviewKind.CONTESTED:
                return contested(examples)
            case ReviewKind.CORRECTION:
                return corrections(examples, settled)
            case ReviewKind.UNANSWERED:
                return unanswered(examples, settled)
            case ReviewKind.UNCERTAIN:
                kept = self._doubtful[tenant].values() if tenant in self._doubtful else ()
                lists = (each for each in kept if question_key(each.impression.query) not in settled)
                return uncertain((each for each in lists if self._conditions.admits(each)), examples)
            case ReviewKind.QUARANTINED:
                aside = self._aside.get(tenant, ())
                return quarantined(one for one in aside if not self._erasures.covers(tenant, one.time))


def _matters(example: Example) -> bool:
    return isinstance(example, FeedbackJoined) or (example.abandoned and not example.reader)


def _in_short(example: Example) -> Example:
    """The example without vector and passages that nobody meant, which are most of it."""
    shown = replace(example.impression, query_vector=b"", items=())
    if isinstance(example, ImpressionClosed):
        return replace(example, impression=shown, judgements=())
    return replace(example, impression=shown)
