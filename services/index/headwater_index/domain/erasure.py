"""How the deletion of a tenant is told, and what may be left of it."""

from dataclasses import dataclass
from enum import StrEnum


class EraseStage(StrEnum):
    """What a deletion is at."""

    DELETING = "deleting documents"
    FOLLOWING = "waiting for all services to follow"
    REMOVING = "removing what deletions leave behind"
    LOOKING = "looking what is left"


@dataclass(frozen=True, slots=True)
class EraseProgress:
    """How far a deletion has come in a stage: documents, rows or records."""

    stage: EraseStage
    done: int = 0


@dataclass(frozen=True, slots=True)
class Remains:
    """What there is of a tenant in one place.

    `left` counts what is in use: rows, keys whose last record is not null, open
    dead letters. `expiring` counts records that nothing reads any more and that
    go by themselves: the last of them may be gone at `gone_by`, in seconds since
    the epoch, None where compaction decides.
    """

    place: str
    left: int
    expiring: int = 0
    gone_by: float | None = None
