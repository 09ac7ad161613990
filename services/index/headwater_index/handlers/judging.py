"""Searching in both collections of a reindex for the same queries."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from headwater_kit.core.clock import Clock
from headwater_kit.core.reindexes import JudgedQuery, ReindexJudged, ReindexReported, ReindexSide
from headwater_vectors.ports import Hit, Query

from headwater_index.domain.agreement import Answers, PromotionGate, compare
from headwater_index.handlers.pacing import Pace
from headwater_index.ports import Encoder, QueryLog, VectorStore

# Of those that were asked last.
MAX_QUERIES = 200
# Enough chunks to find ten documents among.
CHUNKS = 50
# Encoded together. They are searched for one after the other, in a part of the time: users search, too.
QUERIES_AT_ONCE = 16
SHARE = 0.25


class Judging:
    """Compares what the two models find: the nearest chunks alone, since what is found by words is the same in both."""

    def __init__(
        self, store: VectorStore, encoder: Encoder, asked: QueryLog, clock: Clock, gate: PromotionGate
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._asked = asked
        self._clock = clock
        self._gate = gate

    async def judge(self, report: ReindexReported, queries: Sequence[JudgedQuery]) -> ReindexJudged:
        """By these queries; where there are none, by those that users asked last. Raises Unavailable."""
        queries = queries or await self._asked.last(MAX_QUERIES)
        async with AsyncExitStack() as stack:
            sides = [(side, await self._opened(stack, side)) for side in (report.incumbent, report.challenger)]
            answers: list[Answers] = []
            for start in range(0, len(queries), QUERIES_AT_ONCE):
                some = queries[start : start + QUERIES_AT_ONCE]
                before, after = [await self._found(store, side, some) for side, store in sides]
                answers += map(_answers, some, before, after)
        found = compare(answers)
        passed, reason = self._gate.verdict(found)
        return ReindexJudged(
            report.reindex_id,
            self._clock.now(),
            found.queries,
            found.agreement,
            found.judged,
            found.incumbent_ndcg,
            found.challenger_ndcg,
            passed,
            reason,
        )

    async def _opened(self, stack: AsyncExitStack, side: ReindexSide) -> VectorStore:
        store = await self._store.shadow(side.label)
        stack.push_async_callback(store.close)
        return store

    async def _found(
        self, store: VectorStore, side: ReindexSide, queries: Sequence[JudgedQuery]
    ) -> Sequence[Sequence[Hit]]:
        vectors = await self._encoder.queries([query.text for query in queries], side.model_id)
        asked = [
            Query(query.tenant, vector, limit=CHUNKS, model_id=side.model_id, reads_as=None)
            for query, vector in zip(queries, vectors, strict=True)
        ]
        pace, found = Pace(self._clock, SHARE), []
        for query in asked:
            found.append((await store.search(query)).dense)
            await pace.rest()
        return found


def _answers(query: JudgedQuery, before: Sequence[Hit], after: Sequence[Hit]) -> Answers:
    return Answers(_chunks(before), _chunks(after), _documents(before), _documents(after), query.relevant)


def _chunks(hits: Sequence[Hit]) -> Sequence[str]:
    return [hit.passage.chunk.chunk_id for hit in hits]


def _documents(hits: Sequence[Hit]) -> Sequence[str]:
    """By their best chunk."""
    return list(dict.fromkeys(hit.passage.document_id for hit in hits))
