"""Passages that say the same, folded into the best of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from headwater_kit.core.documents import Passage
from headwater_kit.core.shape import Folding

from headwater_retrieve.domain.likeness import by_runs, words

# Share of all their runs of three words that near-duplicates have in common. In a chunk of a hundred words one that is
# changed leaves 0.94, and eight spread out leave 0.6.
NEAR = 0.8
# Passages that are compared with each other; what is ranked below is not folded. A comparison of all with all.
MAX_COMPARED = 300
MAX_DUPLICATE_IDS = 10


def fold(passages: Sequence[Passage], folding: Folding) -> list[Passage]:
    """The passages without those that a better one says already; that one tells how many, and of which documents."""
    if folding is Folding.NONE or not passages:
        return list(passages)
    first = (_same if folding is Folding.EXACT else _alike)(passages[:MAX_COMPARED])
    folded: dict[int, list[Passage]] = defaultdict(list)
    for passage, place in zip(passages, first, strict=False):
        folded[place].append(passage)
    kept = [_telling(group[0], group[1:]) for _, group in sorted(folded.items())]
    return [*kept, *passages[len(first) :]]


def _same(passages: Sequence[Passage]) -> list[int]:
    """For each passage the first one of the same words in the same order."""
    places: dict[tuple[str, ...], int] = {}
    return [places.setdefault(tuple(words(each.chunk.text)), place) for place, each in enumerate(passages)]


def _alike(passages: Sequence[Passage]) -> list[int]:
    """For each passage the first one like it that is not folded itself."""
    is_near = by_runs([each.chunk.text for each in passages]) >= NEAR
    first: list[int] = []
    for place in range(len(passages)):
        kept = (before for before in is_near[place, :place].nonzero()[0].tolist() if first[before] == before)
        first.append(next(kept, place))
    return first


def _telling(passage: Passage, duplicates: Sequence[Passage]) -> Passage:
    if not duplicates:
        return passage
    names = tuple(dict.fromkeys(each.document_id for each in duplicates))[:MAX_DUPLICATE_IDS]
    told = replace(passage.presentation, duplicates=len(duplicates), duplicate_ids=names)
    return replace(passage, presentation=told)
