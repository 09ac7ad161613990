"""Document events to versions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import Chunk, DocumentInfo, ObjectReference
from headwater_kit.core.errors import NotFound, Unavailable
from headwater_kit.core.events import DocumentChunked, DocumentUpserted, LedgerEntry, Outcome, Parts, Provenance

from headwater_ingest.domain import objects
from headwater_ingest.domain.cutting import CutDocument
from headwater_ingest.domain.parts import parts_of
from headwater_ingest.domain.validation import DocumentRules, check_version
from headwater_ingest.domain.versions import DocumentEvent, decide
from headwater_ingest.ports import DocumentCutter, Ledger, ObjectStore

# Bodies out of the object store that are in memory at once; a record of the log counts in the consumer's own limits.
MAX_FETCHED_BODIES = 4


@dataclass(frozen=True, slots=True)
class Applied:
    """An event's outputs: the parts of its version, or one without chunks; the ledger's entry if it has a new one."""

    parts: tuple[DocumentChunked, ...]
    entry: LedgerEntry | None = None


class ApplyDocuments:
    """Turns document events into versions.

    Bodies out of the object store take turns; an event waits `wait_seconds` for
    its own.
    """

    def __init__(
        self,
        rules: DocumentRules,
        ledger: Ledger,
        cutter: DocumentCutter,
        store: ObjectStore,
        clock: Clock,
        *,
        wait_seconds: float,
    ) -> None:
        self._rules = rules
        self._ledger = ledger
        self._cutter = cutter
        self._store = store
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._fetches = asyncio.Semaphore(MAX_FETCHED_BODIES)

    async def apply(self, event: DocumentEvent) -> Applied:
        """The event's outputs; applied again, it gives the same. Raises InvalidInput, and Unavailable."""
        check_version(event.version)
        write = None if event.write is None else self._rules.upserted(event.write)
        if decide(self._ledger.latest(event.key), event).outcome is Outcome.STALE:
            return self._stale(event)
        if write is None:
            return self._accept(event, DocumentInfo(), ())
        cut = await self._cut(event, write)
        crash_point("ingest.cut")
        # Decided again: another event may have been accepted while this one was being cut.
        decision = decide(self._ledger.latest(event.key), event)
        if decision.outcome is Outcome.STALE:
            return self._stale(event)
        info = replace(write.info, title=cut.title)
        return self._accept(event, info, cut.chunks(event.key, decision.version))

    async def _cut(self, event: DocumentEvent, write: DocumentUpserted) -> CutDocument:
        info = write.info
        if write.body_object is None:
            return await self._cutter.cut(info.media_type, write.body, info.title)
        async with self._fetching():
            body = await self._fetch(event, write.body_object)
            return await self._cutter.cut(info.media_type, body, info.title)

    @asynccontextmanager
    async def _fetching(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._fetches.acquire()
        except TimeoutError:
            message = f"large bodies before this one took more than {self._wait_seconds:g} s"
            raise Unavailable(message) from None
        try:
            yield
        finally:
            self._fetches.release()

    async def _fetch(self, event: DocumentEvent, reference: ObjectReference) -> bytes:
        objects.check_reference(event.key.tenant, reference)
        try:
            body = await self._store.get(reference.name)
        except NotFound as error:
            raise objects.missing(error, self._clock.now() - event.produce_time) from error
        objects.check_body(reference, body)
        self._rules.check_text(body)
        return body

    def _accept(self, event: DocumentEvent, info: DocumentInfo, chunks: tuple[Chunk, ...]) -> Applied:
        before = self._ledger.latest(event.key)
        decision = decide(before, event)
        provenance = Provenance(event.position, event.produce_time, decision.outcome, decision.version, lane=event.lane)
        parts = parts_of(provenance, info, chunks)
        entry = LedgerEntry(
            decision.version,
            decision.outcome is Outcome.DELETED,
            event.position,
            event.produce_time,
            info,
            len(chunks),
            event.origin,
            Parts(event.lane, len(parts)),
            _replaced(before, event),
        )
        self._ledger.accept(event.key, entry)
        crash_point("ingest.accepted")
        return Applied(parts, entry)

    def _stale(self, event: DocumentEvent) -> Applied:
        version = event.version or 0
        provenance = Provenance(event.position, event.produce_time, Outcome.STALE, version)
        return Applied((DocumentChunked(provenance),))


def _replaced(before: LedgerEntry | None, event: DocumentEvent) -> Parts:
    if before is None:
        return Parts()
    return before.replaced if before.position == event.position else before.parts
