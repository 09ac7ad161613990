"""Changing the index to another model, beside the collection that searches read."""

import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_kit.core.reindexes import ReindexReported, ReindexSide, ReindexStage, ReindexTarget, ReindexWished
from headwater_vectors.ports import NOTICE_SECONDS, Model

from headwater_index.domain.rebuilds import number_of
from headwater_index.handlers.copies import Copies
from headwater_index.handlers.gate import Gate
from headwater_index.handlers.judging import Judging
from headwater_index.handlers.pacing import Pace
from headwater_index.handlers.replaying import Replay
from headwater_index.ports import LoggedPart, LogReading, ReindexDesk, VectorStore

logger = logging.getLogger(__name__)
# As for a rebuild: writes wait until every process has noticed; the rest is for what others wrote before they did.
SETTLE_SECONDS = NOTICE_SECONDS + 4.0
FOLLOW_SECONDS = 0.5
REPORT_SECONDS = 1.0
# Of the time, searches having the others: a laptop's store does one thing at a time, and the longer users wait for it,
# the longer a page takes and the rest after it.
STORE_SHARE = 0.5
INCOMPLETE_LOG = "INCOMPLETE_LOG"


@dataclass(slots=True)
class _Run:
    """A reindex as this process works at it.

    Of its two collections one is served and the other stands by: the log is
    applied to that one, which is `targets`.
    """

    report: ReindexReported
    incumbent: VectorStore
    challenger: VectorStore
    reading: LogReading[LoggedPart]
    targets: tuple[Replay, ...] = ()
    was_judged: bool = False

    async def catch_up(self) -> None:
        """Applies all that the log holds at this moment."""
        async for page in self.reading.until_now():
            await self.apply(page)

    async def apply(self, page: Sequence[LoggedPart]) -> None:
        """Applies a page of the log."""
        for target in self.targets:
            await target.apply(page)


class Reindexer:
    """Works towards what is wished: see docs/reindex.md for its stages.

    What it has come to is reported after it is done, and the alias tells which
    collection is served, so a run that was cut off goes on from the report. The
    log is read from its beginning each time: what a collection holds already is
    fenced off before it would be embedded. Every step may be repeated, also by
    two processes at once.
    """

    def __init__(
        self,
        store: VectorStore,
        copies: Copies,
        gate: Gate,
        desk: ReindexDesk,
        *,
        judging: Judging,
        clock: Clock,
        grace_seconds: float,
    ) -> None:
        self._store = store
        self._copies = copies
        self._gate = gate
        self._book = desk.book
        self._desk = desk
        self._judging = judging
        self._clock = clock
        self._grace_seconds = grace_seconds

    async def run(self) -> None:
        """Goes on with the reindex that is under way, or begins the one that is wished for, until it is over.

        Raises Transient errors, to be run again.
        """
        if not self._desk.is_reindexing():
            return
        report = self._book.report
        if report is None or report.stage.is_over:
            wish = self._book.wish
            if wish is None:
                return
            report = await self._begin(wish)
        if not report.stage.is_over:
            async with AsyncExitStack() as stack:
                await self._pursue(await self._opened(stack, report))

    async def _begin(self, wish: ReindexWished) -> ReindexReported:
        found, spare = await self._store.collection(), await self._store.spare()
        name, model = found or ("", Model("", 0))
        number = 1 + max(map(number_of, (name, *spare)))
        report = ReindexReported(
            wish.reindex_id,
            ReindexStage.EMBEDDING,
            ReindexSide(name, f"was{number}", model.model_id, model.dimension),
            ReindexSide("", f"n{number}", wish.model_id, wish.dimension),
        )
        if found is None:
            return await self._say(report, stage=ReindexStage.FAILED, reason="the store has no collection yet")
        if spare:
            return await self._say(report, stage=ReindexStage.FAILED, reason=f"a rebuild is under way: {spare[0]}")
        report = await self._say(report)
        crash_point("index.reindex_begun")
        return report

    async def _opened(self, stack: AsyncExitStack, report: ReindexReported) -> _Run:
        if await self._served() == report.incumbent.collection:
            await self._store.keep(report.incumbent.label)
        stores = []
        for side in (report.incumbent, report.challenger):
            stores.append(await self._store.shadow(side.label))
            stack.push_async_callback(stores[-1].close)
        reading = await stack.enter_async_context(self._copies.reading())
        return _Run(report, stores[0], stores[1], reading)

    async def _pursue(self, run: _Run) -> None:
        if self._target(run) is ReindexTarget.CANCELLED and await self._served() == run.report.incumbent.collection:
            await self._cancel(run)
        elif not run.report.stage.is_settled:
            await self._embed(run)
        while not run.report.stage.is_over:
            await self._true_up(run)
            await self._step(run)
            if not run.report.stage.is_over:
                await self._follow(run)
                await self._judge(run)
                await self._clock.sleep(FOLLOW_SECONDS)

    async def _embed(self, run: _Run) -> None:
        """Up to READY, unless it is cancelled or fails."""
        side = run.report.challenger
        await run.challenger.adopt(Model(side.model_id, side.dimension))
        found = await run.challenger.collection()
        await self._tell(run, challenger=replace(side, collection=found[0] if found else ""))
        crash_point("index.reindex_adopted")
        run.targets = (self._copies.replay(run.challenger),)
        if not await self._replayed(run):
            return
        crash_point("index.reindex_embedded")
        await self._tell(run, stage=ReindexStage.CHECKING, estimated_end_time=None)
        if lacking := await self._copies.repaired(run.challenger, run.catch_up, STORE_SHARE):
            reason = f"the log does not hold {lacking} documents whole that were accepted"
            await self._store.retire(side.label)
            await self._tell(run, stage=ReindexStage.FAILED, reason=reason)
            return
        await run.challenger.maintain()
        crash_point("index.reindex_checked")
        await self._tell(run, stage=ReindexStage.READY)

    async def _replayed(self, run: _Run) -> bool:
        """Applies all there is; False where it was cancelled."""
        began = told = self._clock.monotonic()
        async for page in run.reading.until_now():
            if self._target(run) is ReindexTarget.CANCELLED:
                await self._cancel(run)
                return False
            await self._apply(run, await self._copies.missing(run.challenger, self._store, page))
            crash_point("index.reindex_embedding")
            if self._clock.monotonic() - told >= REPORT_SECONDS:
                told = self._clock.monotonic()
                await self._tell(run, estimated_end_time=self._end(run, began))
        return True

    async def _apply(self, run: _Run, page: Sequence[LoggedPart]) -> None:
        pace = Pace(self._clock, STORE_SHARE)
        await run.apply(page)
        await pace.rest()

    async def _follow(self, run: _Run) -> None:
        """Catches up, which after a crash means the whole log."""
        async for page in run.reading.until_now():
            await self._apply(run, page)

    async def _true_up(self, run: _Run) -> None:
        """Sees which collection is served; where that was switched and not reported, makes good what was cut off."""
        is_changed = await self._served() == run.report.challenger.collection
        if is_changed is not (run.report.stage is ReindexStage.PROMOTED):
            if run.targets:
                raise Unavailable("another process changed over: what it left has to be looked at")
            # Nobody followed the log to its end for what others wrote to the other collection before they noticed.
            await self._copies.repaired(self._store, self._pause)
            await self._report_switch(run, is_changed=is_changed)
        if not run.targets:
            standby = run.incumbent if is_changed else run.challenger
            if await standby.collection() is None:
                # Dropped, and that was not reported.
                stage = ReindexStage.DONE if is_changed else ReindexStage.CANCELLED
                await self._tell(run, stage=stage)
            else:
                run.targets = (self._copies.replay(standby),)

    async def _step(self, run: _Run) -> None:
        """Does what is wished, if it is not so yet."""
        if run.report.stage.is_over:
            return
        target, is_changed = self._target(run), run.report.stage is ReindexStage.PROMOTED
        if is_changed is not (target is ReindexTarget.PROMOTED):
            await self._change_over(run, to_challenger=not is_changed)
        elif target is ReindexTarget.CANCELLED:
            await self._cancel(run)
        elif is_changed and self._clock.now() >= (run.report.drop_time or 0.0):
            await self._store.retire(run.report.incumbent.collection)
            crash_point("index.reindex_retired")
            await self._tell(run, stage=ReindexStage.DONE, drop_time=None)

    async def _change_over(self, run: _Run, *, to_challenger: bool) -> None:
        """Serves the one that stood by; the other stands by from now on."""
        report, sides = run.report, (run.incumbent, run.challenger)
        old, new = sides if to_challenger else reversed(sides)
        await new.maintain()
        await self._follow(run)
        run.targets = (self._copies.replay(new, is_bulk=False),)
        async with self._gate.closed():
            await run.catch_up()
            crash_point("index.reindex_gated")
            try:
                await self._store.promote((report.challenger if to_challenger else report.incumbent).label)
            except Unavailable:
                # It may have switched all the same.
                await self._clock.sleep(NOTICE_SECONDS)
                raise
            crash_point("index.reindex_promoted")
            await self._clock.sleep(NOTICE_SECONDS)
        # Rewritten, since another process may have put rows into the one and its switch into the other.
        run.targets = (self._copies.replay(new, rewrite=True), self._copies.replay(old))
        until = self._clock.monotonic() + SETTLE_SECONDS
        while self._clock.monotonic() < until:
            await self._clock.sleep(FOLLOW_SECONDS)
            await run.catch_up()
        run.targets = run.targets[1:]
        crash_point("index.reindex_settled")
        await self._report_switch(run, is_changed=to_challenger)

    async def _report_switch(self, run: _Run, *, is_changed: bool) -> None:
        drop_time = self._clock.now() + self._grace_seconds if is_changed else None
        await self._tell(run, stage=ReindexStage.PROMOTED if is_changed else ReindexStage.READY, drop_time=drop_time)

    async def _cancel(self, run: _Run) -> None:
        await self._store.retire(run.report.challenger.label)
        crash_point("index.reindex_cancelled")
        await self._tell(run, stage=ReindexStage.CANCELLED, estimated_end_time=None)

    async def _judge(self, run: _Run) -> None:
        """Once, by what users asked, so that there is something to promote by."""
        if run.report.stage is not ReindexStage.READY or run.was_judged or self._book.status.judgement is not None:
            return
        run.was_judged = True
        try:
            judged = await self._judging.judge(run.report, ())
            # An operator's own queries, judged meanwhile, count for more.
            if self._book.status.judgement is None:
                await self._desk.write(judged)
        except HeadwaterError as error:
            logger.warning("the reindex was not judged: %s", error.message)

    async def _served(self) -> str:
        found = await self._store.collection()
        return found[0] if found else ""

    async def _pause(self) -> None:
        await self._clock.sleep(FOLLOW_SECONDS)

    async def _tell(self, run: _Run, **changes: object) -> None:
        passed_over = run.targets[0].passed_over if run.targets else 0
        counted = replace(run.report, done=run.reading.done, total=run.reading.total, passed_over=passed_over)
        run.report = await self._say(counted, **changes)

    async def _say(self, report: ReindexReported, **changes: object) -> ReindexReported:
        report = replace(report, **changes)  # type: ignore[arg-type]
        logger.info("reindex %s: %s %s", report.reindex_id, report.stage.value, report.reason)
        await self._desk.write(report)
        return report

    def _target(self, run: _Run) -> ReindexTarget:
        wish = self._book.wish
        if wish is not None and wish.reindex_id == run.report.reindex_id:
            return wish.target
        return ReindexTarget.PROMOTED if run.report.stage is ReindexStage.PROMOTED else ReindexTarget.READY

    def _end(self, run: _Run, began: float) -> float | None:
        done, left = run.reading.done, max(0, run.reading.total - run.reading.done)
        return self._clock.now() + (self._clock.monotonic() - began) * left / done if done else None
