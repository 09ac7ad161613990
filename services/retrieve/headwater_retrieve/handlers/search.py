"""A question in, passages out: freshness, both legs, ranking, memory, the list, impression."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Passage, Position, Principal
from headwater_kit.core.errors import NotFound, Transient
from headwater_kit.core.events import ImpressionItem, ImpressionRecorded
from headwater_kit.core.readers import may_read, names_of
from headwater_kit.core.shape import DocumentGroup, Facet
from headwater_kit.core.turns import Turns
from headwater_text.phrases import sought
from headwater_vectors.ports import ModelChanged

from headwater_retrieve.domain.cascade import Cascade, StageReport
from headwater_retrieve.domain.freshness import RecentChanges
from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.memory import Memory
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import can_read
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.handlers.beside import Companions
from headwater_retrieve.handlers.presenting import Presented, Presenting
from headwater_retrieve.handlers.progress import IndexProgress
from headwater_retrieve.handlers.ranked import RankedList, RankedLists
from headwater_retrieve.handlers.ranking import Asked, Ranker
from headwater_retrieve.handlers.wordings import Ranked, SeveralWordings
from headwater_retrieve.ports import ImpressionLog, Legs, QueryEncoder, QueryVector, StoreQuery, VectorReader

DENSE_LEG = "dense"
# Another model's collection may take the served one's place while a query is encoded; hardly ever twice in a row.
ENCODINGS = 3


@dataclass(frozen=True, slots=True)
class SearchPolicy:
    """How searches are done.

    `candidates`: chunks asked of each leg. `scripts`: what the encoder can read
    (`domain.reliability`). `cascade`: how far to go for a better order, unless
    the query says. `encode_seconds`: patience with the encoder. `at_once`:
    searches that encoder and store are asked for at a time.
    """

    candidates: int = 100
    cascade: Cascade = Cascade.OFF
    scripts: frozenset[str] = frozenset({"latin"})
    encode_seconds: float = 2.0
    at_once: int = 16


@dataclass(frozen=True, slots=True)
class Found:
    """A result list; `watermark` is the index's state that it reflects at least.

    `searched` and `left_out`: what was searched beside the query, and what was
    to be. `reports` and `standings` tell how it came about: what each stage did,
    and where the passages stood, by rank.
    """

    passages: tuple[Passage, ...]
    impression_id: str
    watermark: tuple[Position, ...]
    missing_legs: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    next_cursor: str = ""
    facets: tuple[Facet, ...] = ()
    groups: tuple[DocumentGroup, ...] = ()
    list_changed: bool = False
    candidates: int = 0
    from_cache: bool = False
    reports: tuple[StageReport, ...] = ()
    standings: tuple[Candidate, ...] = ()


# What stands for the vector of a query that was not encoded: nothing is near it.
NO_VECTOR = QueryVector(b"", "")


class Search:
    """The one use case; its parts are given by `bootstrap`.

    `analyse` makes search terms of a text as index does of what it stores.
    """

    def __init__(
        self,
        reader: VectorReader,
        encoder: QueryEncoder,
        analyse: Callable[[str], str],
        impressions: ImpressionLog,
        *,
        ranker: Ranker,
        progress: IndexProgress,
        changes: RecentChanges,
        memory: Memory,
        clock: Clock,
        new_id: Callable[[], str],
        policy: SearchPolicy,
        presenting: Presenting,
        results: ResultCache[RankedList],
        beside: Companions,
    ) -> None:
        self._reader = reader
        self._beside = beside
        self._encoder = encoder
        self._analyse = analyse
        self._impressions = impressions
        self._ranker = ranker
        self._progress = progress
        self._changes = changes
        self._memory = memory
        self._clock = clock
        self._new_id = new_id
        self._policy = policy
        self._turns = Turns(clock, policy.at_once)
        self._wordings = SeveralWordings(self._rank, clock)
        self._presenting = presenting
        self._lists = RankedLists(reader, results)

    async def search(self, query: Query, principal: Principal, deadline: Deadline) -> Found:
        """The passages that answer best, by rank.

        Raises NotYet where the index has not come as far as asked, Unavailable
        where the store is away, or the broker and a staleness is asked for,
        Overloaded where so many search already that this one would be late.
        Where the encoder is, the list is made without the dense leg and says so.
        """
        # Who waits for the index takes nobody's turn.
        await self._progress.reach(query.freshness, deadline)
        # Taken before the store is read; and of a list that was kept, nothing that concerns it has changed since.
        watermark = self._progress.positions()
        ranked = await self._lists.of(query, principal, partial(self._listed, query, principal, deadline))
        shown = await self._presenting.present(query, principal, self._current(principal, ranked.passages))
        # Once more: neighbours may have been waited for, and what was shown there be replaced meanwhile.
        shown = replace(shown, passages=tuple(self._current(principal, shown.passages)))
        found = self._found(query, watermark, ranked, shown)
        await self._impressions.record(self._impression(query, principal, ranked.vector, found))
        return found

    async def _listed(self, query: Query, principal: Principal, deadline: Deadline) -> RankedList:
        """All wordings' candidates in one order, which the cascade and the click memory have had their say in."""
        ranked = await self._wordings.rank(query, principal, deadline)
        vector = ranked.vector or NO_VECTOR
        better = await self._ranker.improve(self._asked(query, principal), ranked.candidates, deadline)
        return RankedList(
            tuple(self._remember(principal, vector, better.candidates)),
            vector,
            (*(() if ranked.vector else (DENSE_LEG,)), *ranked.missing_legs),
            ranked.searched,
            ranked.left_out,
            (*ranked.reports, *better.reports),
        )

    async def _rank(self, query: Query, principal: Principal, deadline: Deadline) -> Ranked:
        """What one wording finds, in a turn of its own: several count as several."""
        async with self._turns.turn(deadline, principal.tenant):
            alone = partial(self._store_query, query, principal, NO_VECTOR)
            own = self._find(query, principal, deadline)
            (vector, legs), beside = await self._beside.alongside(own, query, alone, deadline)
        candidates, report = self._ranker.fuse(self._asked(query, principal), legs, beside.found)
        return Ranked(candidates, vector, reports=(report,), missing_legs=beside.missing)

    def _asked(self, query: Query, principal: Principal) -> Asked:
        return Asked(query.meaning, principal.tenant, query.cascade or self._policy.cascade)

    def _found(self, query: Query, watermark: tuple[Position, ...], ranked: RankedList, shown: Presented) -> Found:
        return Found(
            shown.passages,
            query.impression_id or self._new_id(),
            watermark,
            ranked.missing_legs,
            ranked.searched,
            ranked.left_out,
            shown.next_cursor,
            shown.facets,
            shown.groups,
            shown.list_changed,
            shown.candidates,
            ranked.from_cache,
            ranked.reports,
            ranked.standings(shown.passages),
        )

    async def _find(self, query: Query, principal: Principal, deadline: Deadline) -> tuple[QueryVector | None, Legs]:
        """The query's vector and what both legs find, in a collection of that vector's model (I6)."""
        for _ in range(ENCODINGS):
            vector = await self._encode(query, deadline)
            try:
                return vector, await self._reader.search(self._store_query(query, principal, vector or NO_VECTOR))
            except ModelChanged:
                continue
        return None, await self._reader.search(self._store_query(query, principal, NO_VECTOR))

    def _store_query(self, query: Query, principal: Principal, vector: QueryVector) -> StoreQuery:
        return StoreQuery(
            tenant=principal.tenant,
            vector=vector.vector,
            terms=self._analyse(sought(query.text)),
            limit=self._policy.candidates,
            filter=query.filter,
            model_id=vector.model_id,
            reads_as=names_of(principal),
        )

    async def _encode(self, query: Query, deadline: Deadline) -> QueryVector | None:
        """The query's vector by the model of what is stored.

        An empty one where the encoder is blind for the query; None where the model is away.
        """
        if not can_read(query.meaning, self._policy.scripts):
            return NO_VECTOR
        served = await self._reader.collection()
        patience = Deadline.after(self._clock, deadline.budget(self._policy.encode_seconds))
        encode = self._encoder.encode_stored if query.image else self._encoder.encode
        try:
            return await encode(query.meaning, served[1].model_id if served else "", patience)
        except (Transient, NotFound):
            return None

    def _remember(self, principal: Principal, query: QueryVector, candidates: list[Candidate]) -> list[Candidate]:
        if not query.vector:
            return candidates
        votes = self._memory.recall(principal.tenant, query.model_id, query.vector)
        return self._memory.apply(candidates, votes) if votes else candidates

    def _current(self, principal: Principal, passages: Sequence[Passage]) -> list[Passage]:
        names = names_of(principal)
        # The store has looked at readers; what comes back is not taken on trust, nor what was kept (I10).
        readable = (passage for passage in passages if may_read(passage.info.readers, names))
        return [passage for passage in readable if self._changes.allows(principal.tenant, passage)]

    def _impression(self, query: Query, principal: Principal, encoded: QueryVector, found: Found) -> ImpressionRecorded:
        return ImpressionRecorded(
            impression_id=found.impression_id,
            tenant=principal.tenant,
            user=principal.user,
            query=query.text,
            query_vector=encoded.vector,
            model_id=encoded.model_id,
            items=tuple(_item(passage) for passage in found.passages),
            show_time=self._clock.now(),
            for_answer=query.for_answer,
        )


def _item(passage: Passage) -> ImpressionItem:
    return ImpressionItem(
        chunk_id=passage.chunk.chunk_id,
        document_id=passage.document_id,
        version=passage.version,
        text_hash=passage.chunk.text_hash,
        rank=passage.rank,
        score=passage.score,
        parts=passage.parts,
    )
