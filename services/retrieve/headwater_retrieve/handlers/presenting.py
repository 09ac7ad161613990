"""From ranked candidates to the list that is shown: what `core.shape` asks for, in one place, after ranking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Passage, Principal
from headwater_kit.core.presentation import Span
from headwater_kit.core.readers import may_read, names_of
from headwater_kit.core.shape import DocumentGroup, Facet, Folding, Recency

from headwater_retrieve.domain import facets, grouping, paging, reading, recency
from headwater_retrieve.domain.diversity import diversify
from headwater_retrieve.domain.folding import fold
from headwater_retrieve.domain.paging import Cursor
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reading import Reading
from headwater_retrieve.handlers.arranging import Arrangement
from headwater_retrieve.ports import VectorReader

MAX_HIGHLIGHTS = 100


@dataclass(frozen=True, slots=True)
class PresentationPolicy:
    """What holds where a search does not say."""

    folding: Folding = Folding.NONE
    recency: Recency = Recency()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Presented:
    """A page of a list, and what was counted; see `retrieve.v1.SearchResponse`."""

    passages: tuple[Passage, ...]
    next_cursor: str = ""
    facets: tuple[Facet, ...] = ()
    groups: tuple[DocumentGroup, ...] = ()
    list_changed: bool = False
    candidates: int = 0


class Presenting:
    """Makes lists. `find_terms` tells where in a text terms stand, `analyse` makes terms of a query."""

    def __init__(
        self,
        reader: VectorReader,
        analyse: Callable[[str], str],
        find_terms: Callable[[str, frozenset[str]], list[tuple[int, int]]],
        clock: Clock,
        policy: PresentationPolicy | None = None,
    ) -> None:
        self._reader = reader
        self._analyse = analyse
        self._find_terms = find_terms
        self._clock = clock
        self._policy = policy or PresentationPolicy()

    def seed(self, query: Query, principal: Principal) -> bytes:
        """Of the chance that had a part in the page before; empty where there is none. Raises InvalidInput."""
        return Cursor.decode(query.shape.cursor, _binding(query, principal)).seed if query.shape.cursor else b""

    async def present(
        self, query: Query, principal: Principal, candidates: Sequence[Passage], arrangement: Arrangement | None = None
    ) -> Presented:
        """The page that the query asks for, ranked on from the page before; of the list as `arrangement` puts it.

        Raises InvalidInput (BAD_CURSOR) for the cursor of another search,
        Unavailable where neighbours are asked for and the store is away.
        """
        binding = _binding(query, principal)
        cursor = _cursor(query, binding, arrangement)
        ordered = self._ordered(query, candidates)
        if arrangement is not None:
            ordered = arrangement.arrange(ordered, partial(self._ordered, query), partial(self._settled, query))
        page, rest = _page(query, ordered, cursor)
        readings = await self._read(query, principal, page)
        shown = self._ranked(query, readings, cursor.count)
        following = _following(query, ordered, cursor, readings, page)
        return Presented(
            shown,
            following.encode(binding) if any(_name(query, each) not in following.shown for each in rest) else "",
            facets.count(candidates, query.shape.facets),
            grouping.groups(shown, ordered) if query.shape.group_by_document else (),
            bool(cursor.fingerprint) and cursor.fingerprint != paging.fingerprint(ordered),
            len(candidates),
        )

    def _ordered(self, query: Query, candidates: Sequence[Passage]) -> list[Passage]:
        """The whole list, of which pages are cut: so what holds of a page holds over all of them."""
        shape, policy = query.shape, self._policy
        # "recency or" would not do: one without a field turns the service's own off.
        decayed = recency.decay(
            candidates, policy.recency if shape.recency is None else shape.recency, self._clock.now()
        )
        folded = fold(decayed, shape.folding or policy.folding)
        ordered = grouping.limit(diversify(folded, shape.diversity), shape.per_document)
        return grouping.together(ordered) if shape.group_by_document else ordered

    def _settled(self, query: Query, passages: Sequence[Passage]) -> list[Passage]:
        folded = fold(passages, query.shape.folding or self._policy.folding)
        return grouping.limit(folded, query.shape.per_document)

    async def _read(self, query: Query, principal: Principal, page: Sequence[Passage]) -> list[Reading]:
        size = query.shape.passage_characters
        if not size:
            return [Reading(passage, (passage.chunk,)) for passage in page]
        ids = reading.neighbour_ids(principal.tenant, page)
        neighbours = await self._reader.passages(principal.tenant, ids) if ids else ()
        names = names_of(principal)
        readable = [each for each in neighbours if may_read(each.info.readers, names)]
        return reading.join(page, readable, size)

    def _ranked(self, query: Query, readings: Sequence[Reading], before: int) -> tuple[Passage, ...]:
        terms = frozenset(self._analyse(query.text).split()) if query.shape.highlight else frozenset[str]()
        return tuple(
            replace(self._highlighted(each.passage, terms), rank=rank)
            for rank, each in enumerate(readings, start=before + 1)
        )

    def _highlighted(self, passage: Passage, terms: frozenset[str]) -> Passage:
        if not terms:
            return passage
        places = self._find_terms(passage.chunk.text, terms)[:MAX_HIGHLIGHTS]
        told = replace(passage.presentation, highlights=tuple(Span(start, end) for start, end in places))
        return replace(passage, presentation=told)


def _page(query: Query, ordered: Sequence[Passage], cursor: Cursor) -> tuple[Sequence[Passage], Sequence[Passage]]:
    """What is to be shown now of what was not yet, and what is left."""
    left = [each for each in ordered if _name(query, each) not in cursor.shown] if cursor.shown else ordered
    is_grouped = query.shape.group_by_document
    page = paging.first_documents(left, query.limit) if is_grouped else left[: query.limit]
    return page, left[len(page) :]


def _following(
    query: Query, ordered: Sequence[Passage], before: Cursor, readings: Sequence[Reading], page: Sequence[Passage]
) -> Cursor:
    """Where the next page begins: behind all hits of this one, and whatever was shown around them."""
    names = {_name(query, hit) for hit in page}
    if not query.shape.group_by_document:
        names |= {paging.name(each.passage.document_id, part.text_hash) for each in readings for part in each.parts}
    fingerprint = before.fingerprint or paging.fingerprint(ordered)
    return Cursor(before.count + len(readings), fingerprint, before.shown | names, before.seed)


def _cursor(query: Query, binding: str, arrangement: Arrangement | None) -> Cursor:
    if query.shape.cursor:
        return Cursor.decode(query.shape.cursor, binding)
    return Cursor(seed=arrangement.plan.seed) if arrangement else Cursor()


def _name(query: Query, passage: Passage) -> bytes:
    return paging.name(passage.document_id, "" if query.shape.group_by_document else passage.chunk.text_hash)


def _binding(query: Query, principal: Principal) -> str:
    """What a cursor is bound to: who asks, and for what."""
    shape = replace(query.shape, cursor="")
    return repr((principal.tenant, principal.user, principal.groups, query.text, query.filter, shape))
