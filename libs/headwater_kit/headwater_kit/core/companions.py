"""Encoders that stand beside the one that the index is by, each with a collection of its own."""

from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.documents import Position


class CompanionStage(StrEnum):
    """What a companion is at."""

    FILLING = "filling"
    """The log is applied to a new collection, which searches do not read yet."""
    CHECKING = "checking"
    """The new collection is compared with the log."""
    WHOLE = "whole"
    """Searches read its collection, which follows the log."""
    FAILED = "failed"
    """It was given up, for a reason that is told; what it made is dropped."""
    DROPPED = "dropped"
    """It is named no more, and its collection is dropped."""


@dataclass(frozen=True, slots=True)
class CompanionReported:
    """`reindexes.v1`: how far a companion has come.

    `name` is its model's, in the registry; `collection` the one that it fills or
    follows the log into. `done` and `total` are records of the log. `live` and
    `backfill` are places in `embeddings.v1` and `embeddings.backfill.v1` up to
    which, not with which, all is applied: where whoever goes on begins.
    """

    name: str
    stage: CompanionStage
    model_id: str = ""
    dimension: int = 0
    collection: str = ""
    done: int = 0
    total: int = 0
    passed_over: int = 0
    reason: str = ""
    live: tuple[Position, ...] = ()
    backfill: tuple[Position, ...] = ()
