"""Passages by their documents: at most so many of each, and together."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from headwater_kit.core.documents import Passage
from headwater_kit.core.shape import DocumentGroup


def limit(passages: Sequence[Passage], per_document: int | None) -> list[Passage]:
    """The best so many passages of each document, in their order; the first of each tells how many were held back."""
    if per_document is None:
        return list(passages)
    found = Counter(passage.document_id for passage in passages)
    seen: Counter[str] = Counter()
    kept: list[Passage] = []
    for passage in passages:
        seen[passage.document_id] += 1
        number = seen[passage.document_id]
        held_back = max(0, found[passage.document_id] - per_document) if number == 1 else 0
        if number <= per_document:
            kept.append(replace(passage, presentation=replace(passage.presentation, held_back=held_back)))
    return kept


def together(passages: Sequence[Passage]) -> list[Passage]:
    """The passages of a document after each other, documents by their best one."""
    by_document: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        by_document[passage.document_id].append(passage)
    return [passage for group in by_document.values() for passage in group]


def groups(shown: Sequence[Passage], found: Sequence[Passage]) -> tuple[DocumentGroup, ...]:
    """The documents of ranked passages, which stand together; `found` are all there were."""
    counts = Counter(passage.document_id for passage in found)
    sizes = Counter(passage.document_id for passage in shown)
    first = {passage.document_id: passage.rank for passage in reversed(shown)}
    return tuple(DocumentGroup(name, first[name], sizes[name], counts[name]) for name in sizes)
