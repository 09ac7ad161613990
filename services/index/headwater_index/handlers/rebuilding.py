"""Making the served collection anew from the log, and changing over to it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.errors import InvalidInput, Permanent
from headwater_vectors.ports import NOTICE_SECONDS, Model

from headwater_index.domain.rebuilds import Plan, RebuildProgress, RebuildStage, plan
from headwater_index.handlers.copies import Copies
from headwater_index.handlers.gate import Gate
from headwater_index.handlers.replaying import Replay
from headwater_index.ports import LoggedPart, LogReading, VectorStore

# Writes are gated until every process has noticed; the rest is for searches that began on the old collection to end.
SETTLE_SECONDS = NOTICE_SECONDS + 4.0
FOLLOW_SECONDS = 0.5
INCOMPLETE_LOG = "INCOMPLETE_LOG"
REINDEXING = "REINDEXING"


class Rebuilder:
    """Writes a shadow of the served collection from the compacted log, and puts it in its place.

    1. The log's parts are applied to the shadow, as they were to the served one.
    2. The shadow is compared with the log: it takes over only if it lacks
    nothing. 3. Writes of this process wait; what the log has come to hold since
    is applied; the alias is switched; when every process has noticed, writes go
    on. So no search that begins after an announcement misses what it says.
    4. The log is followed a little longer, for what other processes wrote to the
    old collection before they noticed; then that is dropped.

    Every step may be repeated, also by two processes at once; a run that was cut
    off is found by the names of the collections, and goes on with its shadow.
    """

    def __init__(
        self,
        store: VectorStore,
        copies: Copies,
        gate: Gate,
        *,
        is_reindexing: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._store = store
        self._copies = copies
        self._gate = gate
        self._is_reindexing = is_reindexing
        self._clock = clock

    async def served(self) -> str:
        """The name of the collection that searches read, "" for none. Raises Unavailable."""
        found = await self._store.collection()
        return found[0] if found else ""

    async def tidy(self) -> bool:
        """Ends what a run that was cut off left to do; True where it did not come as far as changing over.

        A reindex has a collection beside the served one, too, which is its own affair. Raises Unavailable.
        """
        if self._is_reindexing():
            return False
        found, spare = await self._store.collection(), await self._store.spare()
        if found is None or not spare:
            return False
        todo = plan(found[0], spare)
        if not todo.is_begun:
            # Nobody followed the log to its end for what others wrote to the old collection before they noticed.
            await self._copies.repaired(self._store, self._pause)
            await self._drop(todo)
        return todo.is_begun

    async def run(self) -> AsyncGenerator[RebuildProgress, None]:
        """Progress, up to DONE. Raises Unavailable, to be run again; Permanent where it cannot be done."""
        found = await self._store.collection()
        if found is None:
            raise InvalidInput("there is nothing to make anew: the store has no collection yet")
        self._check_alone()
        name, model = found
        todo = plan(name, await self._store.spare())
        await self._drop(todo)
        async with AsyncExitStack() as stack:
            shadow = await self._store.shadow(todo.label)
            stack.push_async_callback(shadow.close)
            await self._claim(shadow, todo, model)
            reading = await stack.enter_async_context(self._copies.reading())
            following = _Following(shadow, reading, self._copies.replay(shadow), self._clock)
            async for progress in self._steps(following, todo, model, name):
                yield progress

    def _check_alone(self) -> None:
        if self._is_reindexing():
            raise Permanent("a reindex is under way: wait until it is over, or cancel it", reason=REINDEXING)

    async def _claim(self, shadow: VectorStore, todo: Plan, model: Model) -> None:
        """Makes the collection, by which a reindex sees that a rebuild is under way, unless one began just before."""
        await shadow.adopt(model)
        try:
            self._check_alone()
        except Permanent:
            await self._store.retire(todo.label)
            raise

    async def _steps(
        self, following: "_Following", todo: Plan, model: Model, old: str
    ) -> AsyncGenerator[RebuildProgress, None]:
        async for progress in following.from_the_beginning(model):
            yield progress
        crash_point("index.rebuild_replayed")
        yield following.at(RebuildStage.CHECKING)
        await self._check(following, todo)
        crash_point("index.rebuild_checked")
        yield following.at(RebuildStage.SWITCHING)
        await self._change_over(following, todo)
        yield following.at(RebuildStage.SETTLING)
        await following.follow(SETTLE_SECONDS)
        crash_point("index.rebuild_settled")
        await self._store.retire(old)
        crash_point("index.rebuild_retired")
        yield following.at(RebuildStage.DONE)

    async def _check(self, following: "_Following", todo: Plan) -> None:
        """Raises Permanent where the shadow lacks what the log once accepted; then it is dropped."""
        lacking = await self._copies.repaired(following.shadow, following.catch_up)
        if lacking:
            await self._store.retire(todo.label)
            raise Permanent(
                f"the log does not hold {lacking} documents whole that were accepted: searches stay where they are",
                reason=INCOMPLETE_LOG,
            )

    async def _drop(self, todo: Plan) -> None:
        for leftover in todo.leftovers:
            await self._store.retire(leftover)
            crash_point("index.rebuild_cleared")

    async def _pause(self) -> None:
        await self._clock.sleep(FOLLOW_SECONDS)

    async def _change_over(self, following: "_Following", todo: Plan) -> None:
        # Searches scan fresh rows one by one on a laptop's store.
        await following.shadow.maintain()
        await following.catch_up()
        async with self._gate.closed():
            await following.catch_up()
            crash_point("index.rebuild_gated")
            await self._store.promote(todo.label)
            crash_point("index.rebuild_promoted")
            await self._clock.sleep(NOTICE_SECONDS)


class _Following:
    """A shadow that the log is applied to, first all of it, then what comes."""

    def __init__(self, shadow: VectorStore, reading: LogReading[LoggedPart], replay: Replay, clock: Clock) -> None:
        self.shadow = shadow
        self._reading = reading
        self._replay = replay
        self._clock = clock
        self._progress = RebuildProgress(RebuildStage.REPLAYING)

    def at(self, stage: RebuildStage) -> RebuildProgress:
        """Progress at another stage."""
        self._progress = replace(
            self._progress, stage=stage, done=self._reading.done, total=self._reading.total,
            estimated_end_time=None, passed_over=self._replay.passed_over,
        )  # fmt: skip
        return self._progress

    async def from_the_beginning(self, model: Model) -> AsyncGenerator[RebuildProgress, None]:
        """Makes the collection and applies all there is; yields after each page."""
        await self.shadow.adopt(model)
        found = await self.shadow.collection()
        self._progress = replace(self._progress, collection=found[0] if found else "")
        crash_point("index.rebuild_begun")
        began = self._clock.monotonic()
        async for _ in self._replay.until_now(self._reading):
            yield replace(self.at(RebuildStage.REPLAYING), estimated_end_time=self._end(began))
            crash_point("index.rebuild_replaying")

    async def catch_up(self) -> None:
        """Applies all that the log holds at this moment."""
        async for _ in self._replay.until_now(self._reading):
            pass

    async def follow(self, seconds: float) -> None:
        """Applies what comes, for so long."""
        until = self._clock.monotonic() + seconds
        while self._clock.monotonic() < until:
            await self._clock.sleep(FOLLOW_SECONDS)
            await self.catch_up()

    def _end(self, began: float) -> float | None:
        done, left = self._reading.done, max(0, self._reading.total - self._reading.done)
        return self._clock.now() + (self._clock.monotonic() - began) * left / done if done else None
