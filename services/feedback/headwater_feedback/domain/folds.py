"""What was learned from one tenant's examples, and which they were."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater_kit.core.documents import Position

from headwater_feedback.domain.learners import Learner, Trained
from headwater_feedback.domain.memory import TenantMemory

# Examples of a tenant that are known again when they come again; a join repeats one within minutes, if at all.
MAX_SEEN = 100_000


class Seen:
    """Names with the highest revision met, the latest of them. Owned by one task."""

    def __init__(self, most: int = MAX_SEEN) -> None:
        self._most = most
        self._revisions: OrderedDict[bytes, int] = OrderedDict()
        self.is_whole = True

    def get(self, name: bytes) -> int | None:
        """The highest revision met; None if none was, or longer ago than is remembered."""
        return self._revisions.get(digest(name))

    def put(self, name: bytes, revision: int) -> None:
        """Notes a revision."""
        self._revisions[digest(name)] = revision
        if len(self._revisions) > self._most:
            self._revisions.popitem(last=False)
            self.is_whole = False


@dataclass(slots=True)
class TenantFold:
    """What was learned from a tenant's examples so far, and which they were. Owned by one task."""

    memory: TenantMemory
    learners: Sequence[Learner]
    position: Position | None = None
    seen: Seen = field(default_factory=Seen)
    keys: Seen = field(default_factory=Seen)
    # The last that was learned of each component and part.
    models: dict[tuple[str, str], Trained] = field(default_factory=dict)


def digest(name: bytes) -> bytes:
    """A name in eight bytes."""
    return hashlib.blake2b(name, digest_size=8).digest()
