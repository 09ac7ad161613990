"""Keeping the collection of an encoder that stands beside the served one: filled from the log, then in step with it."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import NoReturn

from headwater_kit.core.clock import Clock
from headwater_kit.core.companions import CompanionReported, CompanionStage
from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import Lane, Position
from headwater_kit.core.errors import Permanent, Unavailable
from headwater_vectors.ports import Model

from headwater_index.domain.rebuilds import plan
from headwater_index.handlers.copies import Copies
from headwater_index.handlers.pacing import Pace
from headwater_index.handlers.replaying import Replay
from headwater_index.ports import CompanionDesk, DroppableStore, Encoder, LoggedPart, LogReading, VectorStore

logger = logging.getLogger(__name__)
FOLLOW_SECONDS = 0.5
REPORT_SECONDS = 1.0
# As for a reindex: searches have the rest.
STORE_SHARE = 0.5
IDLE_SECONDS = 60.0
Readings = Mapping[Lane, LogReading[LoggedPart]]


@dataclass(frozen=True, slots=True)
class Companion:
    """An encoder that stands beside, by its name in the registry, and the store of its collection."""

    name: str
    store: DroppableStore


class CompanionKeeping:
    """Fills a companion's collection where it is not whole, then follows the log, in the process that leads.

    The served collection is left alone: its writes wait for nothing here. A
    collection is named by the store's alias only once it is whole, so searches
    find either a whole one or none. Edits come into it a moment after they came
    into the served one, and searches let nothing of it through that is not of the
    version which that one serves; so it may lag, and nothing comes of it.

    What it has come to is reported after it is done. Every step may be repeated,
    also by two processes at once.
    """

    def __init__(
        self,
        companion: Companion,
        served: VectorStore,
        copies: Copies,
        *,
        encoder: Encoder,
        desk: CompanionDesk,
        clock: Clock,
    ) -> None:
        self.name = companion.name
        """The encoder's."""
        self._store = companion.store
        self._served = served
        self._copies = copies
        self._encoder = encoder
        self._desk = desk
        self._clock = clock
        self._report = CompanionReported(companion.name, CompanionStage.FILLING)

    async def run(self) -> NoReturn:
        """Goes on for ever. Raises Transient errors, to be run again."""
        try:
            model = await self._model()
            self._report = self._desk.report(self.name) or self._report
            if (await self._store.collection() or ("", None))[1] != model:
                await self._fill(model)
            await self._follow(model)
        except Permanent as error:
            logger.exception("the encoder %s does not stand beside", self.name)
            await self._tell(stage=CompanionStage.FAILED, reason=error.message)
        while True:
            # Until somebody looks into it and starts index again, or another process leads.
            await self._clock.sleep(IDLE_SECONDS)

    async def _model(self) -> Model:
        """Raises Permanent where it cannot stand beside."""
        model = await self._encoder.model(self.name)
        if model is None:
            raise Permanent(f"embed knows no model {self.name}: see `headwater models list`")
        served = await self._served.collection()
        if served is not None and served[1].model_id == model.model_id:
            raise Permanent("the served collection is by this model already: name another, or none")
        return model

    async def _fill(self, model: Model) -> None:
        """A whole new collection, which takes the place of one by other weights, if there is one."""
        found = await self._store.collection()
        todo = plan(found[0] if found else "", await self._store.spare())
        for leftover in todo.leftovers:
            await self._store.retire(leftover)
        async with AsyncExitStack() as stack:
            shadow = await self._store.shadow(todo.label)
            stack.push_async_callback(shadow.close)
            await self._claim(shadow, todo.label, model)
            # Opened after the collection is there: a tenant that is erased meanwhile is seen by the one or the other.
            readings = await self._opened(stack, {})
            filling = _Filling(shadow, self._served, self._copies, readings, self._clock)
            await self._replay(filling)
            await self._tell(readings, filling.passed_over, stage=CompanionStage.CHECKING)
            if lacking := await self._copies.repaired(shadow, filling.catch_up, STORE_SHARE):
                await self._store.retire(todo.label)
                raise Permanent(f"the log does not hold {lacking} documents whole that were accepted")
            await shadow.maintain()
            await filling.catch_up()
            crash_point("index.companion_checked")
            replaced = await self._store.promote(todo.label)
            crash_point("index.companion_promoted")
            if replaced:
                await self._store.retire(replaced)
            await self._tell(readings, filling.passed_over, stage=CompanionStage.WHOLE)

    async def _claim(self, shadow: VectorStore, label: str, model: Model) -> None:
        found = await shadow.collection()
        if found is not None and found[1] != model:
            await self._store.retire(label)
            raise Unavailable(f"the encoder {self.name} has other weights by now: its collection is begun anew")
        await shadow.adopt(model)
        found = await shadow.collection()
        self._report = CompanionReported(
            self.name, CompanionStage.FILLING, model.model_id, model.dimension, found[0] if found else ""
        )
        await self._tell()
        crash_point("index.companion_begun")

    async def _replay(self, filling: "_Filling") -> None:
        told = self._clock.monotonic()
        for reading in filling.readings.values():
            async for page in reading.until_now():
                await filling.apply(page)
                crash_point("index.companion_filling")
                if self._clock.monotonic() - told >= REPORT_SECONDS:
                    told = self._clock.monotonic()
                    await self._tell(filling.readings, filling.passed_over, with_places=False)

    async def _follow(self, model: Model) -> None:
        """Both lanes side by side, so that an edit waits for no bulk; ends by failing."""
        starts = {Lane.LIVE: _starts(self._report.live), Lane.BACKFILL: _starts(self._report.backfill)}
        found = await self._store.collection()
        name = found[0] if found else ""
        self._report = replace(
            self._report, stage=CompanionStage.WHOLE, model_id=model.model_id, dimension=model.dimension,
            collection=name, reason="",
        )  # fmt: skip
        async with AsyncExitStack() as stack:
            readings = await self._opened(stack, starts)
            lanes = [
                _Lane(lane, reading, self._store, self._served, self._copies) for lane, reading in readings.items()
            ]
            await _until_one_fails(
                *(lane.follow(self._clock) for lane in lanes), self._report_for_ever(readings, lanes)
            )

    async def _report_for_ever(self, readings: Readings, lanes: Sequence["_Lane"]) -> None:
        while True:
            await self._tell(readings, sum(lane.passed_over for lane in lanes))
            await self._clock.sleep(REPORT_SECONDS)

    async def _opened(self, stack: AsyncExitStack, starts: Mapping[Lane, Mapping[int, int]]) -> Readings:
        return {
            lane: await stack.enter_async_context(self._copies.reading(lane, starts.get(lane)))
            for lane in (Lane.LIVE, Lane.BACKFILL)
        }

    async def _tell(
        self, readings: Readings | None = None, passed_over: int = 0, *, with_places: bool = True, **changes: object
    ) -> None:
        """Writes the report down, unless it says what it said before."""
        report = replace(self._report, **changes)  # type: ignore[arg-type]
        if readings is not None:
            each = readings.values()
            done, total = sum(one.done for one in each), sum(one.total for one in each)
            report = replace(report, done=done, total=total, passed_over=passed_over)
            if with_places:
                live, backfill = readings[Lane.LIVE].places, readings[Lane.BACKFILL].places
                # Where a reading has not begun yet, it stands where it did.
                report = replace(
                    report, live=_places(live) or report.live, backfill=_places(backfill) or report.backfill
                )
        if report != self._desk.report(self.name):
            await self._desk.write(report)
        self._report = report


class _Filling:
    """A new collection that the log is applied to."""

    def __init__(
        self, shadow: VectorStore, served: VectorStore, copies: Copies, readings: Readings, clock: Clock
    ) -> None:
        self.readings = readings
        self._shadow = shadow
        self._served = served
        self._copies = copies
        self._clock = clock
        self._replay = copies.replay(shadow)

    @property
    def passed_over(self) -> int:
        """Parts that could not be applied."""
        return self._replay.passed_over

    async def apply(self, page: Sequence[LoggedPart]) -> None:
        """A page of the log, as bulk, resting after it."""
        pace = Pace(self._clock, STORE_SHARE)
        await self._replay.apply(await self._copies.missing(self._shadow, self._served, page))
        await pace.rest()

    async def catch_up(self) -> None:
        """All that the log holds at this moment."""
        for reading in self.readings.values():
            async for page in reading.until_now():
                await self.apply(page)


class _Lane:
    """A lane of the log that is applied as it grows."""

    def __init__(
        self, lane: Lane, reading: LogReading[LoggedPart], store: VectorStore, served: VectorStore, copies: Copies
    ) -> None:
        self._is_bulk = lane is Lane.BACKFILL
        self._reading = reading
        self._store = store
        self._served = served
        self._copies = copies
        self._replay: Replay = copies.replay(store, is_bulk=self._is_bulk)

    @property
    def passed_over(self) -> int:
        """Parts that could not be applied."""
        return self._replay.passed_over

    async def follow(self, clock: Clock) -> None:
        """For ever."""
        while True:
            async for page in self._reading.until_now():
                pace = Pace(clock, STORE_SHARE if self._is_bulk else 1.0)
                wanted = await self._copies.missing(
                    self._store, self._served, page, is_bulk=self._is_bulk, is_finished=True
                )
                await self._replay.apply(wanted)
                crash_point("index.companion_followed")
                await pace.rest()
            await clock.sleep(FOLLOW_SECONDS)


async def _until_one_fails(*works: Awaitable[None]) -> None:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _places(places: Mapping[int, int]) -> tuple[Position, ...]:
    return tuple(Position(partition, offset) for partition, offset in sorted(places.items()))


def _starts(places: Sequence[Position]) -> Mapping[int, int]:
    return {place.partition: place.offset for place in places}
