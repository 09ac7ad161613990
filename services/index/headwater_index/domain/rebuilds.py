"""Making a collection anew: its stages, and what the new one is called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_NUMBER = re.compile(r"_n(\d+)$")


class RebuildStage(StrEnum):
    """What a rebuild is at."""

    NONE = "none"
    REPLAYING = "replaying"
    CHECKING = "checking"
    SWITCHING = "switching"
    SETTLING = "settling"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """True where nothing goes on any more."""
        return self in (RebuildStage.NONE, RebuildStage.DONE, RebuildStage.FAILED)


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """How far a rebuild has come: records of the log replayed, when that will be done, and why it was given up.

    `estimated_end_time` is in seconds since the epoch, None where it cannot be told.
    """

    stage: RebuildStage
    collection: str = ""
    done: int = 0
    total: int = 0
    estimated_end_time: float | None = None
    passed_over: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about the collections that are there.

    `label` names the shadow to write, `leftovers` are to be dropped: replaced
    ones and half ones, left behind by a process that died. `is_begun` where the
    shadow is there already.
    """

    label: str
    leftovers: tuple[str, ...]
    is_begun: bool


def plan(served: str, spare: Sequence[str]) -> Plan:
    """What to do beside the served collection.

    Each new one has the next number in its name, so that the names tell what
    came of a rebuild that was cut off: above the served one it is half, below it
    was replaced.
    """
    current = number_of(served)
    begun = max((number_of(name) for name in spare), default=0)
    number = max(begun, current + 1)
    leftovers = tuple(name for name in spare if number_of(name) != number)
    return Plan(f"n{number}", leftovers, is_begun=begun > current)


def number_of(collection: str) -> int:
    """The number in a collection's name; 0 in that of the first."""
    found = _NUMBER.search(collection)
    return int(found[1]) if found else 0
