"""What a search has found, in order, before it is made a list to show."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from headwater_kit.core.cascade import StageReport
from headwater_kit.core.documents import Freshness, Passage, Principal
from headwater_kit.core.shape import Shape

from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.ports import QueryVector, VectorReader

# Names, scores, objects and metadata around a passage's text.
PASSAGE_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class RankedList:
    """All candidates, best first, and the query's vector; what is missing or left out, and what was searched beside.

    `reports`: what each stage did.
    """

    candidates: tuple[Candidate, ...]
    vector: QueryVector
    missing_legs: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    reports: tuple[StageReport, ...] = ()
    from_cache: bool = False

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The candidates as passages, with rank and score."""
        return tuple(candidate.ranked(rank) for rank, candidate in enumerate(self.candidates, start=1))

    @property
    def is_whole(self) -> bool:
        """Whether nothing lacks that there would have been with more time."""
        return not (self.missing_legs or self.left_out or any(report.is_cut_short for report in self.reports))

    @property
    def size_bytes(self) -> int:
        """What it takes to hold it, roughly."""
        return sum(PASSAGE_BYTES + 2 * len(candidate.passage.chunk.text) for candidate in self.candidates)

    def of(self, shown: Sequence[Passage]) -> tuple[Candidate, ...]:
        """The candidates that these passages were, in their order."""
        by_chunk = {candidate.passage.chunk.chunk_id: candidate for candidate in self.candidates}
        candidates = (by_chunk.get(passage.chunk.chunk_id) for passage in shown)
        return tuple(candidate for candidate in candidates if candidate is not None)

    def beside(self, other: "RankedList", report: StageReport) -> "RankedList":
        """This list with what another one has besides, behind it, and a line of what came before all stages."""
        names = {each.passage.chunk.chunk_id for each in self.candidates if other.candidates}
        more = (each for each in other.candidates if each.passage.chunk.chunk_id not in names)
        return replace(self, candidates=(*self.candidates, *more), reports=(report, *self.reports))


class RankedLists:
    """Ranked lists, of the cache where it has them.

    A list is taken for another search only of the same principal, with its
    groups, for the same query and filter, in the same collection, made by the
    same recipe, and as long as nothing of the tenant's has changed: no document, and nothing learned.
    """

    def __init__(self, reader: VectorReader, cache: ResultCache[RankedList]) -> None:
        self._reader = reader
        self._cache = cache

    async def of(
        self, query: Query, principal: Principal, recipe: Hashable, make: Callable[[], Awaitable[RankedList]]
    ) -> RankedList:
        """The list that `make` makes, or has made. Raises what it raises."""
        if not self._cache.is_on:
            return await make()
        # Whatever is not about ranking may differ.
        asked = replace(
            query,
            top_k=0,
            freshness=Freshness(),
            impression_id="",
            for_answer=False,
            shape=Shape(),
            exploit_only=False,
        )
        # By its name: to a dict `true` and `1.0` of a filter would be one.
        name = repr(asked)
        key = (await self._reader.collection(), principal, name, recipe)
        held = self._cache.get(principal.tenant, key)
        if held is not None:
            return replace(held, from_cache=True)
        state = self._cache.state(principal.tenant)
        made = await make()
        # What lacked something for want of time may be whole the next time.
        if made.is_whole:
            self._cache.put(principal.tenant, key, made, made.size_bytes + PASSAGE_BYTES + 4 * len(name), state)
        return made
