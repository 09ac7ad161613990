"""All encoders that stand beside: how they are, and what becomes of those that are named no more."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from headwater_kit.core.companions import CompanionReported, CompanionStage
from headwater_kit.core.crash import crash_point
from headwater_kit.core.errors import Unavailable
from headwater_vectors.ports import Counts

from headwater_index.handlers.companions import Companion
from headwater_index.ports import CompanionDesk, DroppableStore

logger = logging.getLogger(__name__)
NOTHING = Counts(0, 0)


@dataclass(frozen=True, slots=True)
class CompanionStats:
    """How far a companion has come, and what it holds of one tenant."""

    report: CompanionReported
    counts: Counts


class Companions:
    """The companions that the settings name; `open_store` gives the store of any other that once was."""

    def __init__(
        self, named: Sequence[Companion], desk: CompanionDesk, open_store: Callable[[str], DroppableStore]
    ) -> None:
        self.named = tuple(named)
        self._desk = desk
        self._open_store = open_store

    async def stats(self, tenant: str) -> Sequence[CompanionStats]:
        """Of each that is named. Raises Unavailable."""
        return [await self._stats(companion, tenant) for companion in self.named]

    def is_beside(self, model_id: str) -> bool:
        """Whether one of those that are named is this model. Raises Unavailable while that is still being read."""
        reports = [self._desk.report(companion.name) for companion in self.named]
        return any(report is not None and report.model_id == model_id for report in reports)

    async def is_filling(self) -> str:
        """The name of a collection that is being filled, "" where there is none. Raises Unavailable."""
        for companion in self.named:
            if spare := await companion.store.spare():
                return spare[0]
        return ""

    async def followed(self) -> None:
        """Returns once all of them have applied what the log holds at this moment. Raises Unavailable."""
        for companion in self.named:
            await self._desk.followed(companion.name)

    async def drop_unnamed(self) -> None:
        """Drops the collections of those that are named no more: nobody would keep them in step. Raises Unavailable."""
        named = {companion.name for companion in self.named}
        for report in self._desk.reports():
            if report.name in named or report.stage is CompanionStage.DROPPED:
                continue
            store = self._open_store(report.name)
            await store.open()
            try:
                await store.drop()
            finally:
                await store.close()
            crash_point("index.companion_dropped")
            dropped = CompanionReported(report.name, CompanionStage.DROPPED, report.model_id, report.dimension)
            await self._desk.write(dropped)
            logger.info("the encoder %s stands beside no more: its collection is dropped", report.name)

    async def _stats(self, companion: Companion, tenant: str) -> CompanionStats:
        report = self._desk.report(companion.name) or CompanionReported(companion.name, CompanionStage.FILLING)
        if report.stage is CompanionStage.DROPPED:
            report = replace(report, stage=CompanionStage.FILLING)
        try:
            return CompanionStats(report, await companion.store.counts(tenant))
        except Unavailable:
            return CompanionStats(report, NOTHING)
