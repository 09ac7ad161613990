"""Pieces to chunks, so that an edit moves few boundaries.

Filling chunks from the front would move every later boundary of a section when
one sentence grows. Here a section that is too large is divided at its best
seam, and the halves likewise until all fit. What a seam is worth depends on
nothing but the blocks beside it and the first words behind it. So an edit
moves a boundary only where it rewrites such words, or makes a chunk too large.

Method: content-defined chunking (Muthitacharoen, Chen, Mazières, "A
Low-bandwidth Network File System", 2001), with the divisions of a randomised
search tree (Seidel and Aragon, "Randomized Search Trees", 1996) in place of a
window.
"""

import itertools
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from headwater_ingest.domain.chunking.policy import Budget
from headwater_ingest.domain.chunking.span import Seam, Unit

# The head of a piece, which decides among seams of one kind. More of it would be edited more often; less of it
# is the same for many pieces.
HEAD_CHARACTERS = 48


def pack(text: str, units: Iterable[Unit], budget: Budget) -> list[Sequence[Unit]]:
    """Groups of neighbouring pieces, each within the budget; no piece is left out.

    None is smaller than `min_tokens` but where pieces of other sizes leave no
    choice. Takes O(n log n).
    """
    pieces = list(units)
    return [pieces[first:end] for first, end in itertools.pairwise(_Division(text, pieces, budget).bounds())]


class _Division:
    """A section at work; a bound or seam `i` is the place before pieces[i]."""

    def __init__(self, text: str, pieces: Sequence[Unit], budget: Budget) -> None:
        self._text = text
        self._pieces = pieces
        self._budget = budget
        self._sizes = list(itertools.accumulate((piece.tokens for piece in pieces), initial=0))
        self._bounds = [0, len(pieces)]

    def bounds(self) -> Sequence[int]:
        seams = sorted(range(1, len(self._pieces)), key=self._worth, reverse=True)
        # One that leaves too little beside it stays so: divisions never grow. Hence one pass is the whole recursion.
        for seam in seams:
            self._divide(seam, self._budget.min_tokens)
        for seam in seams:
            self._divide(seam, 0)
        return self._bounds

    def _worth(self, seam: int) -> tuple[Seam, int, int]:
        piece = self._pieces[seam]
        head = self._text[piece.start : min(piece.end, piece.start + HEAD_CHARACTERS)]
        # Among equal rows the roundest of binary numbers, so that none of their chunks is as small as it may be.
        return piece.seam, zlib.crc32(head.encode(errors="surrogatepass")), seam & -seam

    def _divide(self, seam: int, min_tokens: int) -> None:
        place = bisect_right(self._bounds, seam)
        first, end = self._bounds[place - 1], self._bounds[place]
        least = min(self._tokens(first, seam), self._tokens(seam, end))
        is_needed = not self._fits(first, end) and least >= min_tokens
        if first < seam and (is_needed or self._pieces[seam].seam is Seam.WITHIN_WORD):
            self._bounds.insert(place, seam)

    def _fits(self, first: int, end: int) -> bool:
        characters = self._pieces[end - 1].end - self._pieces[first].start
        return self._budget.allows(self._tokens(first, end), characters)

    def _tokens(self, first: int, end: int) -> int:
        return self._sizes[end] - self._sizes[first]
