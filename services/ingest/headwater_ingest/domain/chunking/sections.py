"""Blocks grouped under their headings."""

from collections.abc import Iterator
from dataclasses import dataclass

from headwater_ingest.domain.blocks import Block, BlockKind, ParsedText


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks between two headings; `path` runs from the outermost heading to the one right above."""

    path: tuple[str, ...]
    blocks: tuple[Block, ...]


def sections(parsed: ParsedText) -> Iterator[Section]:
    """The text's sections, in order.

    A heading is no block of its section: it lives on in the path. One with
    nothing beneath it, not even a lesser heading, is a section's only block.
    """
    path: list[Block] = []
    body: list[Block] = []
    for block in parsed.blocks:
        if block.kind is not BlockKind.HEADING:
            body.append(block)
            continue
        yield from _section(parsed, path, body, block.level)
        body = []
        path = [*_above(path, block.level), block]
    yield from _section(parsed, path, body, 0)


def _section(parsed: ParsedText, path: list[Block], body: list[Block], next_level: int) -> Iterator[Section]:
    if body:
        yield Section(_titles(parsed, path), tuple(body))
    elif path and next_level <= path[-1].level:
        yield Section(_titles(parsed, path[:-1]), (path[-1],))


def _above(path: list[Block], level: int) -> list[Block]:
    return [heading for heading in path if heading.level < level]


def _titles(parsed: ParsedText, path: list[Block]) -> tuple[str, ...]:
    return tuple(" ".join(parsed.text[heading.start : heading.end].split()) for heading in path)
