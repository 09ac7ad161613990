"""Spans of a parsed text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece that is not cut further. `is_glued`: it must not join the piece before it."""

    start: int
    end: int
    tokens: int
    is_glued: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A chunk's place in the parsed text, its headings from the outermost on, its size."""

    start: int
    end: int
    heading_path: tuple[str, ...]
    token_count: int
