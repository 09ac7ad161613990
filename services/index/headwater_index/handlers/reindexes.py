"""What operators ask of reindexes: wishes written down, and what came of them."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import InvalidInput, NotFound, Permanent
from headwater_kit.core.reindexes import (
    JudgedQuery,
    ReindexReported,
    ReindexStage,
    ReindexStatus,
    ReindexTarget,
    ReindexWished,
)

from headwater_index.handlers.judging import Judging
from headwater_index.ports import Encoder, ReindexDesk, VectorStore

MAX_QUERIES = 1_000
# Reasons of what cannot be done as things stand.
NOT_READY, BELOW_GATE, BUSY = "NOT_READY", "BELOW_GATE", "BUSY"


class Reindexes:
    """Writes wishes; the process that leads works towards them, so any process may be asked.

    A call that waits for what it wished may be left: the wish stands.
    """

    def __init__(
        self,
        store: VectorStore,
        encoder: Encoder,
        desk: ReindexDesk,
        judging: Judging,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        is_beside: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._book = desk.book
        self._desk = desk
        self._judging = judging
        self._clock = clock
        self._new_id = new_id
        self._is_beside = is_beside

    def status(self) -> ReindexStatus:
        """The last reindex. Raises Unavailable while that is still being read."""
        self._desk.is_reindexing()
        return self._book.status

    async def follow(self, model: str) -> AsyncIterator[ReindexStatus]:
        """The progress of the reindex to this model, which this begins if need be, until it is ready or over."""
        reindex_id = await self._begun(model)
        async for status in self._book.statuses():
            report, wish = status.report, self._book.wish
            if report is None or report.reindex_id != reindex_id:
                if wish is None or wish.reindex_id != reindex_id:
                    raise Permanent("somebody else began another reindex at the same moment", reason=BUSY)
                continue
            yield status
            if report.stage.is_settled or report.stage.is_over:
                return

    async def judge(self, queries: Sequence[JudgedQuery]) -> ReindexStatus:
        """Compares the two collections by these queries, or by those asked last where there are none."""
        if len(queries) > MAX_QUERIES:
            raise InvalidInput(f"send at most {MAX_QUERIES} queries, not {len(queries)}", field="queries")
        report = self._settled()
        await self._desk.write(await self._judging.judge(report, queries))
        return self._book.status

    async def promote(self, *, below_gate: bool) -> ReindexStatus:
        """Lets searches read the new collection; `below_gate` also where it did not pass."""
        report = self._settled()
        judgement = self._book.status.judgement
        if report.stage is ReindexStage.READY and not below_gate and (judgement is None or not judgement.passed):
            reason = judgement.reason if judgement else "it was not judged"
            raise Permanent(f"the new collection did not pass: {reason}", reason=BELOW_GATE)
        return await self._wish(report, ReindexTarget.PROMOTED, ReindexStage.PROMOTED)

    async def rollback(self) -> ReindexStatus:
        """Lets searches read the old collection again."""
        return await self._wish(self._settled(), ReindexTarget.READY, ReindexStage.READY)

    async def cancel(self) -> ReindexStatus:
        """Gives it up and drops the new collection."""
        report = self._under_way()
        if report.stage is ReindexStage.PROMOTED:
            raise Permanent("searches read the new collection: roll back first", reason=NOT_READY)
        return await self._wish(report, ReindexTarget.CANCELLED, ReindexStage.CANCELLED)

    async def _begun(self, name: str) -> str:
        model = await self._encoder.model(name)
        if model is None:
            raise NotFound(f"embed knows no model {name!r}", reason="NOT_FOUND")
        wish = self._book.wish
        if self._desk.is_reindexing():
            if wish is not None and wish.model_id == model.model_id:
                return wish.reindex_id
            raise Permanent("a reindex to another model is under way: wait, or cancel it", reason=BUSY)
        found = await self._store.collection()
        if found is None:
            raise InvalidInput("there is nothing to embed again: the store has no collection yet", field="model")
        if found[1].model_id == model.model_id:
            raise InvalidInput(f"searches read vectors of {name} already", field="model")
        if self._is_beside(model.model_id):
            message = f"{name} stands beside already: take it out of HEADWATER_ENCODERS_BESIDE, then change to it"
            raise InvalidInput(message, field="model")
        if spare := await self._store.spare():
            raise Permanent(f"a rebuild is under way: {spare[0]} is not served", reason=BUSY)
        reindex_id = self._new_id()
        target, now = ReindexTarget.READY, self._clock.now()
        await self._desk.write(ReindexWished(reindex_id, target, model.model_id, model.dimension, now))
        return reindex_id

    def _under_way(self) -> ReindexReported:
        report = self.status().report
        if report is None or report.stage.is_over:
            raise Permanent("no reindex is under way", reason=NOT_READY)
        return report

    def _settled(self) -> ReindexReported:
        report = self._under_way()
        if not report.stage.is_settled:
            raise Permanent(f"the new collection is not ready: the reindex is {report.stage.value}", reason=NOT_READY)
        return report

    async def _wish(self, report: ReindexReported, target: ReindexTarget, stage: ReindexStage) -> ReindexStatus:
        """Writes the wish down, and waits until it has come to this stage. Raises Permanent where it has not."""
        side = report.challenger
        wish = ReindexWished(report.reindex_id, target, side.model_id, side.dimension, self._clock.now())
        await self._desk.write(wish)
        async for status in self._book.statuses():
            now, standing = status.report, self._book.wish
            if now is None or now.reindex_id != report.reindex_id or now.stage is stage:
                return status
            if now.stage.is_over:
                raise Permanent(f"the reindex is {now.stage.value} {now.reason}".rstrip(), reason=NOT_READY)
            if standing is not None and replace(standing, wish_time=0.0) != replace(wish, wish_time=0.0):
                raise Permanent(f"somebody else wishes it {standing.target.value}", reason=BUSY)
        raise AssertionError("the book is followed for ever")
