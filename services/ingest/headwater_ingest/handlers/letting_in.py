"""Bulk into the log of documents, as there is room."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Origin, Position

from headwater_ingest.domain.versions import is_same, origin_of
from headwater_ingest.handlers.turns import FairTurns
from headwater_ingest.ports import Finals, Ledger

logger = logging.getLogger(__name__)

# A document takes a second on its way to the index, minutes where the store is away; past this it is said to wait.
FINAL_SECONDS = 120.0
Produce = Callable[[], Awaitable[Position]]


@dataclass(frozen=True, slots=True)
class BulkEvent:
    """An event that waits in the backfill lane; `key` None where it names no document."""

    key: DocumentKey | None
    origin: Origin
    size_bytes: int

    @property
    def tenant(self) -> str:
        """Whose turn it takes."""
        return self.key.tenant if self.key else ""


class LetIn:
    """Lets events of the backfill lane into `documents.v1`, so many at once that live edits are not held up.

    One is done once it is final; until then it keeps its turn, however long that
    takes: a copy for each time it was looked at would fill the log. What was
    accepted before a crash is not let in again; were it, ingest would know it by
    its origin.
    """

    def __init__(self, turns: FairTurns, ledger: Ledger, finals: Finals, clock: Clock) -> None:
        self._turns = turns
        self._ledger = ledger
        self._finals = finals
        self._clock = clock

    async def let_in(self, event: BulkEvent, produce: Produce) -> None:
        """Returns once the event is final. Raises what `produce` raises, and Unavailable where nothing can be told."""
        async with self._turns.turn(event.tenant, event.size_bytes):
            crash_point("backfill.admitted")
            with self._finals.expecting():
                position = self._accepted(event) or await produce()
                crash_point("backfill.let_in")
                await self._until_final(event.key, position)
            crash_point("backfill.final")

    async def _until_final(self, key: DocumentKey | None, position: Position) -> None:
        while not await self._finals.reached(key, position, Deadline.after(self._clock, FINAL_SECONDS)):
            logger.warning("bulk at %d/%d is not indexed yet", position.partition, position.offset)

    def _accepted(self, event: BulkEvent) -> Position | None:
        entry = None if event.key is None else self._ledger.published(event.key)
        return entry.position if entry is not None and is_same(origin_of(entry), event.origin) else None
