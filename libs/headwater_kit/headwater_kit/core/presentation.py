"""What is done to a passage after ranking."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters of a text: from `start` to one before `end`, counted from 0."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a passage was made of what was found.

    `highlights`: where words of the query stand in its text. `duplicates`: how
    many passages were folded into it, `duplicate_ids` the documents of those, at
    most 10. `hit`: where the chunk that was found stands in the text, and
    `chunk_ids` what the text was joined of, where anything was. `recency`: what
    the score was multiplied by for its age. `held_back`: other passages of the
    document that were found and not shown.
    """

    highlights: tuple[Span, ...] = ()
    duplicates: int = 0
    duplicate_ids: tuple[str, ...] = ()
    hit: Span | None = None
    chunk_ids: tuple[str, ...] = ()
    recency: float | None = None
    held_back: int = 0
