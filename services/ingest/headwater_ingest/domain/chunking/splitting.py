"""Blocks to pieces that fit a budget: whole, by sentences or lines, and at last by tokens."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from headwater_text.sentences import split_sentences

from headwater_ingest.domain.blocks import Block, BlockKind
from headwater_ingest.domain.chunking.policy import Budget
from headwater_ingest.domain.chunking.span import Seam, Unit
from headwater_ingest.domain.tokens import TokenCounter, TokenPlaces

_BY_LINES = frozenset({BlockKind.LIST, BlockKind.CODE, BlockKind.TABLE})
_SPACE = re.compile(r"\s*")


def split(text: str, blocks: Iterable[Block], counter: TokenCounter, budget: Budget) -> Iterator[Unit]:
    """The blocks' pieces, in order, each within the budget; all their characters but white space are in one."""
    before = BlockKind.PARAGRAPH
    for block in blocks:
        body, seam = text[block.start : block.end], _seam(before, block.kind)
        for piece in _Splitter(body, counter, counter.offsets(body), budget).pieces(block.kind):
            yield Unit(block.start + piece.start, block.start + piece.end, piece.tokens, max(seam, piece.seam))
            seam = Seam.WITHIN_BLOCK
        before = block.kind


def _seam(before: BlockKind, kind: BlockKind) -> Seam:
    if kind is not BlockKind.PARAGRAPH:
        return Seam.BEFORE_LISTING
    return Seam.BEFORE_PARAGRAPH if before is BlockKind.PARAGRAPH else Seam.AFTER_LISTING


@dataclass(frozen=True, slots=True)
class _Splitter:
    """One block at work; offsets are within `body`."""

    body: str
    counter: TokenCounter
    places: TokenPlaces
    budget: Budget

    def pieces(self, kind: BlockKind) -> Iterator[Unit]:
        whole = self._unit(0, len(self.body))
        if self._fits(whole):
            yield whole
            return
        for start, end in _lines(self.body) if kind in _BY_LINES else [(0, len(self.body))]:
            yield from self._by_sentences(self._unit(start, end))

    def _by_sentences(self, line: Unit) -> Iterator[Unit]:
        if self._fits(line):
            yield line
            return
        for sentence in split_sentences(self.body[line.start : line.end]):
            unit = self._unit(line.start + sentence.start, line.start + sentence.end)
            yield from [unit] if self._fits(unit) else self._by_tokens(unit)

    def _by_tokens(self, unit: Unit) -> Iterator[Unit]:
        start, seam = unit.start, Seam.WITHIN_BLOCK
        while start < unit.end:
            cut, tokens = self._cut(start, unit.end)
            end = start + len(self.body[start:cut].rstrip())
            yield Unit(start, end, tokens, seam)
            start = _SPACE.match(self.body, cut).end()  # type: ignore[union-attr]  # it matches the empty string
            # Two halves of a word, counted together, may be other tokens than counted apart.
            seam = Seam.WITHIN_WORD if start == end else Seam.WITHIN_BLOCK

    def _cut(self, start: int, end: int) -> tuple[int, int]:
        """Where the piece that begins at `start` ends, and how many tokens it has by itself."""
        limit = min(end, start + self.budget.max_characters)
        over = bisect_left(self.places.starts, start) + self.budget.max_tokens
        if over < len(self.places.starts):
            limit = min(limit, max(start + 1, self.places.starts[over]))
        cut = limit if limit == end else _after_space(self.body, start, limit)
        while (tokens := self.counter.count(self.body[start:cut])) > self.budget.max_tokens and cut > start + 1:
            cut = start + max(1, (cut - start) * self.budget.max_tokens // tokens)
        return cut, tokens

    def _unit(self, start: int, end: int) -> Unit:
        return Unit(start, end, self.places.count(start, end))

    def _fits(self, unit: Unit) -> bool:
        return self.budget.allows(unit.tokens, unit.end - unit.start)


def _lines(body: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in body.split("\n"):
        if line.strip():
            yield start, start + len(line.rstrip())
        start += len(line) + 1


def _after_space(body: str, start: int, limit: int) -> int:
    """The last place after white space in the second half of body[start:limit]; `limit` where there is none."""
    for at in range(limit, (start + limit) // 2, -1):
        if body[at - 1].isspace():
            return at
    return limit
