"""A question in, passages out: freshness, both legs, ranking, memory, the list, impression."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from headwater_kit.core.cascade import Cascade, StageReport, Standing
from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Passage, Position, Principal
from headwater_kit.core.errors import NotFound, Transient
from headwater_kit.core.readers import may_read, names_of
from headwater_kit.core.steps import step
from headwater_kit.core.turns import Turns
from headwater_text.phrases import sought
from headwater_vectors.ports import ModelChanged

from headwater_retrieve.domain.asking import Asking
from headwater_retrieve.domain.freshness import RecentChanges
from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.learned import LearnedModels
from headwater_retrieve.domain.memory import Memory
from headwater_retrieve.domain.policy import LearningPolicy, Plan, Recipe, choose, seed_of
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import can_read
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.handlers.arranging import Arrangement
from headwater_retrieve.handlers.beside import Companions
from headwater_retrieve.handlers.impressing import Impressing
from headwater_retrieve.handlers.presenting import Presented, Presenting
from headwater_retrieve.handlers.progress import IndexProgress
from headwater_retrieve.handlers.ranked import RankedList, RankedLists
from headwater_retrieve.handlers.ranking import Asked, Ranker
from headwater_retrieve.handlers.turning import turn
from headwater_retrieve.handlers.wordings import Ranked, SeveralWordings
from headwater_retrieve.ports import Legs, QueryEncoder, QueryVector, StoreQuery, VectorReader

DENSE_LEG = "dense"
# Another model's collection may take the served one's place while a query is encoded; hardly ever twice in a row.
ENCODINGS = 3


@dataclass(frozen=True, slots=True)
class SearchPolicy:
    """How searches are done.

    `candidates`: chunks asked of each leg. `scripts`: what the encoder can read
    (`domain.reliability`). `cascade`: how far to go for a better order, unless
    the query says. `encode_seconds`: patience with the encoder. `at_once`:
    searches that encoder and store are asked for at a time. `learning`: how much
    of the traffic teaches.
    """

    candidates: int = 100
    cascade: Cascade = Cascade.OFF
    scripts: frozenset[str] = frozenset({"latin"})
    encode_seconds: float = 2.0
    at_once: int = 16
    learning: LearningPolicy = LearningPolicy()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Found:
    """A result list: what was ranked, and what is shown of it.

    `watermark` is the index's state that it reflects at least. `rating_wanted`:
    rank of the passage of which the reader's opinion would teach most; 0 mostly.
    """

    ranked: RankedList
    shown: Presented
    watermark: tuple[Position, ...]
    impression_id: str
    rating_wanted: int = 0

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The passages, by rank."""
        return self.shown.passages

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates that they were, in their order."""
        return self.ranked.of(self.shown.passages)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Where they stood before they got their rank, in their order."""
        return tuple(candidate.standing for candidate in self.candidates)


# What stands for the vector of a query that was not encoded: nothing is near it.
NO_VECTOR = QueryVector(b"", "")
NO_LIST = RankedList((), NO_VECTOR)
# What the wordings of a search have found, by how they were searched.
Searched = dict[Hashable, Ranked]


class Search:
    """The one use case; its parts are given by `bootstrap`.

    `analyse` makes search terms of a text as index does of what it stores.
    """

    def __init__(
        self,
        reader: VectorReader,
        encoder: QueryEncoder,
        analyse: Callable[[str], str],
        impressions: Impressing,
        *,
        ranker: Ranker,
        progress: IndexProgress,
        changes: RecentChanges,
        memory: Memory,
        models: LearnedModels,
        clock: Clock,
        new_id: Callable[[], str],
        policy: SearchPolicy,
        presenting: Presenting,
        results: ResultCache[RankedList],
        beside: Companions,
        asking: Asking | None = None,
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
        self._models = models
        self._clock = clock
        self._new_id = new_id
        self._policy = policy
        self._turns = Turns(clock, policy.at_once)
        self._presenting = presenting
        self._asking = asking or Asking()
        self._lists = RankedLists(reader, results)

    async def search(self, query: Query, principal: Principal, deadline: Deadline) -> Found:
        """The passages that answer best, by rank.

        Raises NotYet where the index has not come as far as asked, Unavailable
        where the store is away, or the broker and a staleness is asked for,
        Overloaded where so many search already that this one would be late.
        Where the encoder is, the list is made without the dense leg and says so.
        """
        # Who waits for the index takes nobody's turn.
        with step("wait for the index"):
            await self._progress.reach(query.freshness, deadline)
        # Taken before the store is read; and of a list that was kept, nothing that concerns it has changed since.
        watermark = self._progress.positions()
        impression_id = query.impression_id or self._new_id()
        plan = self._plan(query, principal, impression_id)
        ranked, other = await self._lists_of(plan, query, principal, deadline)
        arrangement = Arrangement(plan, self._policy.learning, self._current(principal, other.passages))
        current = self._current(principal, ranked.passages)
        with step("present"):
            shown = await self._presenting.present(query, principal, current, arrangement)
        # Once more: neighbours may have been waited for, and what was shown there be replaced meanwhile.
        shown = replace(shown, passages=tuple(self._current(principal, shown.passages)))
        found = Found(ranked.beside(other, plan.report), shown, watermark, impression_id)
        await self._impressions.record(query, principal, ranked.vector, found, plan=plan, marks=arrangement.marks)
        # Pages that follow and searches that measure have nobody to ask; a list in an order of its own tells no doubt.
        if query.exploit_only or query.shape.cursor or not query.is_plain:
            return found
        return replace(found, rating_wanted=self._asking.rank(found.candidates, principal, self._clock.now()))

    def _plan(self, query: Query, principal: Principal, impression_id: str) -> Plan:
        """How this search is served; a page that follows as the one before it."""
        return choose(
            self._policy.learning,
            self._models.of(principal.tenant),
            query.text,
            principal,
            self._presenting.seed(query, principal) or seed_of(impression_id),
            now=self._clock.now(),
            is_plain=query.is_plain,
            is_exploited=query.exploit_only,
        )

    async def _lists_of(
        self, plan: Plan, query: Query, principal: Principal, deadline: Deadline
    ) -> tuple[RankedList, RankedList]:
        """The list by the plan's recipe, and that by the other one, empty where there is none."""
        searched: Searched = {}
        lists = [
            await self._lists.of(
                query, principal, each.name, partial(self._listed, each, searched, query, principal, deadline)
            )
            for each in (plan.recipe, plan.challenger)
            if each is not None
        ]
        return lists[0], lists[1] if len(lists) > 1 else NO_LIST

    async def _listed(
        self, recipe: Recipe, searched: Searched, query: Query, principal: Principal, deadline: Deadline
    ) -> RankedList:
        """All wordings' candidates in one order, which the cascade and the click memory have had their say in.

        `searched` keeps what recipes have found that search alike, so that the store is asked once.
        """
        if recipe.search_name not in searched:
            wordings = SeveralWordings(partial(self._rank, recipe), self._clock)
            searched[recipe.search_name] = await wordings.rank(query, principal, deadline)
        ranked = searched[recipe.search_name]
        vector = ranked.vector or NO_VECTOR
        with step("improve the order"):
            better = await self._ranker.improve(self._asked(recipe, query, principal), ranked.candidates, deadline)
        remembered = self._remember(principal, vector, better.candidates) if recipe.has_memory else better.candidates
        return RankedList(
            tuple(remembered),
            vector,
            (*(() if ranked.vector else (DENSE_LEG,)), *ranked.missing_legs),
            ranked.searched,
            ranked.left_out,
            (*ranked.reports, *better.reports),
        )

    async def _rank(self, recipe: Recipe, query: Query, principal: Principal, deadline: Deadline) -> Ranked:
        """What one wording finds, in a turn of its own: several count as several."""
        async with self._turns.turn(deadline, principal.tenant):
            alone = partial(self._store_query, query, principal, NO_VECTOR)
            own = self._find(recipe, query, principal, deadline)
            with step("find"):
                (vector, legs, turned), beside = await self._beside.alongside(own, query, alone, deadline)
        with step("fuse"):
            candidates, report = self._ranker.fuse(self._asked(recipe, query, principal), legs, beside.found)
        return Ranked(candidates, vector, reports=(*turned, report), missing_legs=beside.missing)

    def _asked(self, recipe: Recipe, query: Query, principal: Principal) -> Asked:
        return Asked(query.meaning, principal.tenant, query.cascade or self._policy.cascade, recipe)

    async def _find(
        self, recipe: Recipe, query: Query, principal: Principal, deadline: Deadline
    ) -> tuple[QueryVector | None, Legs, tuple[StageReport, ...]]:
        """The query's vector and what both legs find, in a collection of that vector's model (I6)."""
        for _ in range(ENCODINGS):
            vector = await self._encode(query, deadline)
            sought_for, reports = turn(recipe, query, vector or NO_VECTOR)
            try:
                return vector, await self._reader.search(self._store_query(query, principal, sought_for)), reports
            except ModelChanged:
                continue
        return None, await self._reader.search(self._store_query(query, principal, NO_VECTOR)), ()

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
