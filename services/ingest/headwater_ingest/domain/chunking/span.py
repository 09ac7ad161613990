"""Spans of a parsed text."""

from dataclasses import dataclass
from enum import IntEnum


class Seam(IntEnum):
    """What lies between a piece and the one before it; a higher one is a better place to divide."""

    WITHIN_BLOCK = 0
    BEFORE_LISTING = 1
    """A list, code or a table follows, which the text before it mostly introduces."""
    BEFORE_PARAGRAPH = 2
    AFTER_LISTING = 3
    """The text goes on after a list, code or a table."""
    WITHIN_WORD = 4
    """Two halves of a word, which must not stand in one chunk."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece that is not cut further, and the seam before it."""

    start: int
    end: int
    tokens: int
    seam: Seam = Seam.WITHIN_BLOCK


@dataclass(frozen=True, slots=True)
class Span:
    """A chunk's place in the parsed text, its headings from the outermost on, its size."""

    start: int
    end: int
    heading_path: tuple[str, ...]
    token_count: int
