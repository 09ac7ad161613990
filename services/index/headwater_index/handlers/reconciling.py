"""Comparing the log with the store, and repairing what differs."""

from collections.abc import AsyncGenerator, AsyncIterator

from headwater_kit.core.crash import crash_point

from headwater_index.domain.drift import Progress, Scope, Stage, TenantDrift
from headwater_index.handlers.looking import Looking, Settle, Sides
from headwater_index.handlers.pacing import Pace
from headwater_index.handlers.replaying import Replay
from headwater_index.ports import DocumentLog, VectorStore, Workbook, Workbooks

# A part that was put aside and redriven stands behind its version's last part: the first pass leaves it in the store,
# and the second finds the version whole.
WRITINGS = 2
Update = Progress | TenantDrift


class Reconciler:
    """Compares what the log accepted with what the store holds, document by document.

    1. The log is read into a workbook on disk, and the store scanned into it.
    2. Documents that do not fit are looked at again, by their ids: the store
    between two looks at the log. Only what stood still between these can
    differ, so work under way is no drift. 3. For repairs, rows that should not
    be there are deleted, missing ones written in one pass over the log, and all
    of it looked at once more. Every step may be repeated.
    """

    def __init__(
        self, store: VectorStore, log: DocumentLog, workbooks: Workbooks, replay: Replay, settle: Settle
    ) -> None:
        self._store = store
        self._log = log
        self._workbooks = workbooks
        self._replay = replay
        self._settle = settle

    async def has_collection(self) -> bool:
        """Whether there is anything to compare the log with. Raises Unavailable."""
        return await self._store.collection() is not None

    async def run(self, scope: Scope, pace: Pace) -> AsyncGenerator[Update, None]:
        """Progress, then each tenant's drift. Raises Unavailable."""
        async with (
            self._workbooks.open(scope.tenant) as book,
            self._log.accepted() as accepted,
            self._log.final() as final,
        ):
            looking = Looking(Sides(accepted, final, self._store, book, self._settle), pace)
            async for progress in self._steps(looking, book, scope, pace):
                yield progress
            async for drift in book.report():
                yield drift

    async def _steps(self, looking: Looking, book: Workbook, scope: Scope, pace: Pace) -> AsyncIterator[Progress]:
        async for progress in looking.read_log():
            yield progress
        async for progress in looking.scan_store(scope.tenant):
            yield progress
        async for progress in looking.look_again(repair=scope.repair):
            yield progress
        if not scope.repair:
            return
        for _ in range(WRITINGS if looking.lacking else 0):
            async for progress in self._write_missing(book, pace):
                yield progress
        async for progress in looking.check_repairs():
            yield progress

    async def _write_missing(self, book: Workbook, pace: Pace) -> AsyncIterator[Progress]:
        """A pass over the log for all of them."""
        async with self._log.embedded() as reading:
            async for page in reading.until_now():
                versions = await book.wanted([logged.key for logged in page])
                wanted = zip(page, versions, strict=True)
                await self._replay.apply(
                    [logged for logged, version in wanted if version == logged.part.chunked.provenance.version]
                )
                yield Progress(Stage.WRITING, reading.done, reading.total)
                await pace.rest()
        crash_point("index.repair_written")
