"""What `reindexes.v1` says, and how it is written."""

import asyncio
from collections.abc import AsyncIterator, Callable

from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import REINDEXES
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.reindexes import ReindexJudged, ReindexReported, ReindexStatus, ReindexWished

Said = ReindexWished | ReindexReported | ReindexJudged
# All in one partition, so that they are read in the order in which they were written.
PARTITION = 0
KEYS: dict[type[Said], bytes] = {ReindexWished: b"wish", ReindexReported: b"report", ReindexJudged: b"judgement"}


class ReindexRecords:
    """The last wish, report and judgement, as a `bus.table` applies them.

    `changed` is called after each record, for who acts upon them at once.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.wish: ReindexWished | None = None
        self.report: ReindexReported | None = None
        self._judgement: ReindexJudged | None = None
        self._changed = changed
        self._moved = asyncio.Event()

    @property
    def status(self) -> ReindexStatus:
        """The last reindex."""
        report, judgement = self.report, self._judgement
        if report is None or judgement is None or judgement.reindex_id != report.reindex_id:
            return ReindexStatus(report)
        return ReindexStatus(report, judgement)

    @property
    def is_under_way(self) -> bool:
        """True while a reindex is wished for or under way."""
        if self.report is not None and not self.report.stage.is_over:
            return True
        return self.wish is not None and (self.report is None or self.report.reindex_id != self.wish.reindex_id)

    def apply(self, record: Record) -> None:
        """Takes a record in. Raises InvalidInput."""
        value = record.value or b""
        if record.key == KEYS[ReindexWished]:
            self.wish = decode(ReindexWished, value)
        elif record.key == KEYS[ReindexReported]:
            self.report = decode(ReindexReported, value)
        elif record.key == KEYS[ReindexJudged]:
            self._judgement = decode(ReindexJudged, value)
        self._changed()
        self._moved.set()
        self._moved = asyncio.Event()

    async def statuses(self) -> AsyncIterator[ReindexStatus]:
        """The status now, and after each record."""
        while True:
            moved = self._moved
            yield self.status
            await moved.wait()


def outbound(said: Said) -> Outbound:
    """The record that says it."""
    return Outbound(REINDEXES.name, KEYS[type(said)], encode(said), partition=PARTITION)
