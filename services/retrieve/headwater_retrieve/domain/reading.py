"""Small to search, large to read: chunks joined with their neighbours.

All chunks that are joined are of one version of one document, so they fit. What
lies between two chunks is white space and headings, which no chunk holds; it is
filled with as many characters, so that places in a joined text are places in the
document's parsed text still.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from headwater_kit.core.documents import Chunk, DocumentKey, Passage, chunk_id
from headwater_kit.core.presentation import Span

# Chunks to each side that are read for a hit. Nine of usual size fill the largest passage.
REACH = 4
# More white space and headings than that lie between parts that do not belong together.
MAX_GAP_CHARACTERS = 1_000
_BLOCK_SEPARATOR = "\n\n"

# A place among all versions: document, version, ordinal.
Place = tuple[str, int, int]


def place(passage: Passage) -> Place:
    """Where a passage's chunk stands."""
    return passage.document_id, passage.version, passage.chunk.ordinal


def neighbour_ids(tenant: str, hits: Sequence[Passage]) -> list[str]:
    """Row ids of the chunks around these, themselves left out; some may not be there."""
    own = {place(hit) for hit in hits}
    places = dict.fromkeys(
        (hit.document_id, hit.version, ordinal)
        for hit in hits
        for ordinal in range(max(0, hit.chunk.ordinal - REACH), hit.chunk.ordinal + REACH + 1)
    )
    return [
        chunk_id(DocumentKey(tenant, document_id), version, ordinal)
        for document_id, version, ordinal in places
        if (document_id, version, ordinal) not in own
    ]


@dataclass(frozen=True, slots=True)
class Reading:
    """A passage to read, and the chunks that it is made of."""

    passage: Passage
    parts: tuple[Chunk, ...]


def join(hits: Sequence[Passage], neighbours: Iterable[Passage], max_characters: int) -> list[Reading]:
    """Each hit with as much around it as fits, in the order of the hits.

    No chunk is in two passages: the better hit takes it, and a hit that is
    taken so has no passage of its own.
    """
    found = {place(each): each.chunk for each in (*neighbours, *hits)}
    readings: list[Reading] = []
    for hit in hits:
        if place(hit) in found:
            parts = _grown(hit, found, max_characters)
            for part in parts:
                del found[hit.document_id, hit.version, part.ordinal]
            readings.append(Reading(_joined(hit, parts), parts))
    return readings


def _grown(hit: Passage, found: Mapping[Place, Chunk], max_characters: int) -> tuple[Chunk, ...]:
    """The hit's chunk and its neighbours, one after it and one before it in turn, as long as one fits."""
    parts = [hit.chunk]
    grew = True
    while grew:
        grew = False
        for step in (1, -1):
            edge = parts[-1] if step == 1 else parts[0]
            other = found.get((hit.document_id, hit.version, edge.ordinal + step))
            if other is None or abs(edge.ordinal + step - hit.chunk.ordinal) > REACH:
                continue
            wider = [*parts, other] if step == 1 else [other, *parts]
            if _gap(wider[-2], wider[-1]) and _gap(wider[0], wider[1]) and _length(wider) <= max_characters:
                parts, grew = wider, True
    return tuple(parts)


def _length(parts: Sequence[Chunk]) -> int:
    return parts[-1].end - parts[0].start


def _gap(first: Chunk, second: Chunk) -> bool:
    """Whether two chunks can stand in one text."""
    return 0 <= second.start - first.end <= MAX_GAP_CHARACTERS


def _joined(hit: Passage, parts: tuple[Chunk, ...]) -> Passage:
    if len(parts) == 1:
        return hit
    text = parts[0].text
    for before, part in pairwise(parts):
        text += _between(before, part) + part.text
    start = parts[0].start
    chunk = replace(
        hit.chunk,
        text=text,
        heading_path=_common([part.heading_path for part in parts]),
        start=start,
        end=parts[-1].end,
        token_count=sum(part.token_count for part in parts),
    )
    told = replace(
        hit.presentation,
        hit=Span(hit.chunk.start - start, hit.chunk.end - start),
        chunk_ids=tuple(part.chunk_id for part in parts),
    )
    return replace(hit, chunk=chunk, presentation=told)


def _between(first: Chunk, second: Chunk) -> str:
    """What stood between two chunks, as far as can be told: the headings that begin there, else white space."""
    size = second.start - first.end
    common = len(_common([first.heading_path, second.heading_path]))
    headings = _BLOCK_SEPARATOR.join(("", *second.heading_path[common:], ""))
    if len(second.heading_path) > common and len(headings) == size:
        return headings
    return (_BLOCK_SEPARATOR if size > 1 else " ").ljust(size)[:size]


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The headings that all paths begin with."""
    shortest = min(paths, key=len)
    same = next((n for n, _ in enumerate(shortest) if len({path[n] for path in paths}) > 1), len(shortest))
    return shortest[:same]
