"""What a person should look at of what users did."""

from dataclasses import dataclass
from enum import StrEnum


class ReviewKind(StrEnum):
    """Why a person should look; see `feedback.v1.ReviewKind`."""

    CONTESTED = "contested"
    CORRECTION = "correction"
    UNANSWERED = "unanswered"
    QUARANTINED = "quarantined"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One thing to look at, which names no user; see `feedback.v1.ReviewItem`. `time` in seconds since the epoch."""

    kind: ReviewKind
    impression_id: str
    time: float
    query: str = ""
    rank: int = 0
    document_id: str = ""
    users_for: int = 0
    users_against: int = 0
    text: str = ""
    reason: str = ""
    detail: str = ""
    count: int = 1
