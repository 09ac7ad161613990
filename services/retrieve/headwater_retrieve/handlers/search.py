"""A question in, passages out: freshness, both legs, fusion, memory, impression."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Passage, Position, Principal
from headwater_kit.core.errors import NotFound, Transient
from headwater_kit.core.events import ImpressionItem, ImpressionRecorded
from headwater_kit.core.readers import may_read, names_of
from headwater_kit.core.turns import Turns
from headwater_text.phrases import sought
from headwater_vectors.ports import ModelChanged

from headwater_retrieve.domain.freshness import RecentChanges
from headwater_retrieve.domain.fusion import Candidate, Weights, fuse
from headwater_retrieve.domain.memory import Memory
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import weigh
from headwater_retrieve.handlers.progress import IndexProgress
from headwater_retrieve.handlers.wordings import Ranked, SeveralWordings
from headwater_retrieve.ports import ImpressionLog, Legs, QueryEncoder, QueryVector, StoreQuery, VectorReader

DENSE_LEG = "dense"
# Another model's collection may take the served one's place while a query is encoded; hardly ever twice in a row.
ENCODINGS = 3
# Middle of a flat optimum on SciFact and XQuAD English (`bench/retrieval.py`): 0.744 and 0.977 nDCG@10,
# against 0.734 and 0.975 with 0.7 and 0.3.
DEFAULT_WEIGHTS = Weights(dense=0.6, lexical=0.4)


@dataclass(frozen=True, slots=True)
class SearchPolicy:
    """How searches are done.

    `candidates`: chunks asked of each leg. `weights`: what the legs count on a
    query that both can read. `scripts`: what the encoder can read
    (`domain.reliability`). `encode_seconds`: patience with the encoder. `at_once`:
    searches that encoder and store are asked for at a time.
    """

    candidates: int = 100
    weights: Weights = DEFAULT_WEIGHTS
    scripts: frozenset[str] = frozenset({"latin"})
    encode_seconds: float = 2.0
    at_once: int = 16


@dataclass(frozen=True, slots=True)
class Found:
    """A result list; `watermark` is the index's state that it reflects at least.

    `searched` and `left_out`: what was searched beside the query, and what was
    to be.
    """

    passages: tuple[Passage, ...]
    impression_id: str
    watermark: tuple[Position, ...]
    missing_legs: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


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
        progress: IndexProgress,
        changes: RecentChanges,
        memory: Memory,
        clock: Clock,
        new_id: Callable[[], str],
        policy: SearchPolicy,
    ) -> None:
        self._reader = reader
        self._encoder = encoder
        self._analyse = analyse
        self._impressions = impressions
        self._progress = progress
        self._changes = changes
        self._memory = memory
        self._clock = clock
        self._new_id = new_id
        self._policy = policy
        self._turns = Turns(clock, policy.at_once)
        self._wordings = SeveralWordings(self._rank, clock)

    async def search(self, query: Query, principal: Principal, deadline: Deadline) -> Found:
        """The passages that answer best, by rank.

        Raises NotYet where the index has not come as far as asked, Unavailable
        where the store is away, or the broker and a staleness is asked for,
        Overloaded where so many search already that this one would be late.
        Where the encoder is, the list is made without the dense leg and says so.
        """
        # Who waits for the index takes nobody's turn.
        await self._progress.reach(query.freshness, deadline)
        ranked = await self._wordings.rank(query, principal, deadline)
        vector = ranked.vector or NO_VECTOR
        candidates = self._remember(principal, vector, ranked.candidates)
        found = Found(
            self._select(principal, candidates, query.limit),
            query.impression_id or self._new_id(),
            ranked.watermark,
            () if ranked.vector else (DENSE_LEG,),
            ranked.searched,
            ranked.left_out,
        )
        await self._impressions.record(self._impression(query, principal, vector, found))
        return found

    async def _rank(self, query: Query, principal: Principal, deadline: Deadline) -> Ranked:
        """What one wording finds, in a turn of its own: several count as several."""
        weights = weigh(query.meaning, self._policy.weights, self._policy.scripts)
        async with self._turns.turn(deadline, principal.tenant):
            # Taken before the store is read: the list reflects this much at least.
            watermark = self._progress.positions()
            vector, legs = await self._find(query, principal, weights, deadline)
        return Ranked(fuse(legs.dense, legs.lexical, weights), vector, watermark)

    async def _find(
        self, query: Query, principal: Principal, weights: Weights, deadline: Deadline
    ) -> tuple[QueryVector | None, Legs]:
        """The query's vector and what both legs find, in a collection of that vector's model (I6)."""
        for _ in range(ENCODINGS):
            vector = await self._encode(query, weights, deadline)
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

    async def _encode(self, query: Query, weights: Weights, deadline: Deadline) -> QueryVector | None:
        """The query's vector by the model of what is stored.

        An empty one where the encoder is blind for the query; None where the model is away.
        """
        if weights.dense == 0.0:
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

    def _select(self, principal: Principal, candidates: Sequence[Candidate], limit: int) -> tuple[Passage, ...]:
        # The store has looked at readers; what comes back is not taken on trust (I10).
        names = names_of(principal)
        readable = (c for c in candidates if may_read(c.passage.info.readers, names))
        current = (c for c in readable if self._changes.allows(principal.tenant, c.passage))
        return tuple(c.ranked(rank) for rank, c in enumerate(islice(current, limit), start=1))

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
