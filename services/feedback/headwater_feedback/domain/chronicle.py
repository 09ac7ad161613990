"""What was decided for a tenant, as it stands on `gates.v1`, and what of it counts.

Each verdict names the one that stood last as it was made. Of two that were made
side by side, as where a tenant changes hands, the one that was written first
counts, and the other has no effect, in every process alike: the log decides.
An operator's counts in any case.
"""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b

from headwater_kit.core.learning import GateDecided, GateDecision

from headwater_feedback.domain.slots import MAX_FORMER

# Verdicts that are remembered, some 500 bytes each; of those before, what may be served still or gone back to.
MAX_VERDICTS = 5_000
# What the first verdict on a tenant follows.
BEGINNING = "0"
# Verdicts and models that are known again; what comes twice comes soon.
MAX_KNOWN = 10_000
_SERVING = (GateDecision.PROMOTED, GateDecision.ROLLED_BACK)


def name_of(decided: GateDecided) -> str:
    """Names a verdict by what was decided, and after which one: the same decision has the same name. 16 hex digits."""
    what = (decided.component, decided.part, decided.snapshot_id, decided.parent_id, decided.decision.value)
    place = decided.position
    said = repr((decided.follows, what, decided.user, (place.partition, place.offset) if place else ()))
    return blake2b(said.encode(), digest_size=8).hexdigest()


class Chronicle:
    """The verdicts on one tenant that count, in their order. Owned by one task."""

    def __init__(self, most: int = MAX_VERDICTS) -> None:
        self._most = most
        self._latest: deque[GateDecided] = deque()
        self._standing: defaultdict[tuple[str, str], deque[GateDecided]] = defaultdict(
            lambda: deque(maxlen=MAX_FORMER + 1)
        )
        self.last = BEGINNING

    def add(self, decided: GateDecided) -> bool:
        """Takes the next record of the topic in; False if it does not count, or came before."""
        name = name_of(decided)
        # Records of older builds name none before them.
        is_in_line = decided.follows in ("", self.last) or bool(decided.user)
        if name == self.last or not is_in_line:
            return False
        self.last = name
        self._latest.append(decided)
        if len(self._latest) > self._most:
            self._let_go(self._latest.popleft())
        return True

    def __iter__(self) -> Iterator[GateDecided]:
        """All that are remembered, in the order of the log."""
        yield from sorted((one for each in self._standing.values() for one in each), key=lambda one: one.time)
        yield from self._latest

    def _let_go(self, decided: GateDecided) -> None:
        if decided.decision in _SERVING:
            self._standing[decided.component, decided.part].append(replace(decided, checks=()))


class Known:
    """The verdicts that a gate has heard of, and the models that they are about. Owned by one task."""

    def __init__(self, most: int = MAX_KNOWN) -> None:
        self._most = most
        self._verdicts: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self._models: OrderedDict[str, None] = OrderedDict()

    def note(self, decided: GateDecided) -> bool:
        """Notes a verdict; False if it was known."""
        key = (decided.component, decided.part, decided.snapshot_id, decided.decision, offset_of(decided), decided.time)
        is_new = key not in self._verdicts
        self._verdicts[key] = self._models[decided.snapshot_id] = None
        for noted in (self._verdicts, self._models):
            if len(noted) > self._most:
                noted.popitem(last=False)
        return is_new

    def is_judged(self, snapshot_id: str) -> bool:
        """Whether anything was decided about a model."""
        return snapshot_id in self._models


def offset_of(decided: GateDecided) -> int:
    """How far the examples had been learned from, as the next offset; 0 where that is not told."""
    return decided.position.offset if decided.position else 0
