"""Passages that say the same, folded into the best of them."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace

from headwater_kit.core.documents import Passage
from headwater_kit.core.shape import Folding

from headwater_retrieve.domain.words import shingles, words

# Share of all their runs of three words that near-duplicates have in common (Jaccard). In a chunk of a hundred words
# one that is changed leaves 0.94, and eight spread out leave 0.6.
NEAR = 0.8
MAX_DUPLICATE_IDS = 10


def fold(passages: Sequence[Passage], folding: Folding) -> list[Passage]:
    """The passages without those that a better one says already; that one tells how many, and of which documents."""
    if folding is Folding.NONE:
        return list(passages)
    kept: list[Passage] = []
    folded: dict[int, list[Passage]] = defaultdict(list)
    alike = _Alike(1.0 if folding is Folding.EXACT else NEAR)
    for passage in passages:
        place = alike.place(words(passage.chunk.text), folding)
        if place < len(kept):
            folded[place].append(passage)
        else:
            kept.append(passage)
    return [_telling(passage, folded.get(place, [])) for place, passage in enumerate(kept)]


def _telling(passage: Passage, duplicates: Sequence[Passage]) -> Passage:
    if not duplicates:
        return passage
    names = tuple(dict.fromkeys(each.document_id for each in duplicates))[:MAX_DUPLICATE_IDS]
    told = replace(passage.presentation, duplicates=len(duplicates), duplicate_ids=names)
    return replace(passage, presentation=told)


class _Alike:
    """Texts seen so far, found again by what they have in common: only texts that share something are compared."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._sizes: list[int] = []
        self._texts_with: dict[Hashable, list[int]] = defaultdict(list)

    def place(self, text: list[str], folding: Folding) -> int:
        """The place of the first text like this one; of a new one, which is kept, the next place."""
        marks: frozenset[Hashable] = frozenset({tuple(text)}) if folding is Folding.EXACT else shingles(text)
        common = Counter(place for mark in marks for place in self._texts_with.get(mark, ()))
        alike = (
            place
            for place, shared in common.items()
            if shared >= self._share * (len(marks) + self._sizes[place] - shared)
        )
        found = min(alike, default=len(self._sizes))
        if found == len(self._sizes):
            self._sizes.append(len(marks))
            for mark in marks:
                self._texts_with[mark].append(found)
        return found
