"""What ingest does, behind both its entrances."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Position
from headwater_kit.core.errors import InvalidInput, NotFound
from headwater_kit.core.events import DocumentChunked, DocumentUpserted, LedgerEntry, Outcome, Provenance

from headwater_ingest.domain.validation import DocumentRules, check_version
from headwater_ingest.domain.versions import DocumentEvent, decide
from headwater_ingest.domain.watching import StateReached
from headwater_ingest.ports import DocumentCutter, DocumentLog, DocumentStates, Ledger

# A part goes through embed and index as one record and one batch. With chunks of
# at most 4,000 characters it stays under a third of the record limit of 4 MiB.
MAX_PART_CHUNKS = 64


@dataclass(frozen=True, slots=True)
class Applied:
    """An event's outputs: the parts of its version, or one without chunks; the ledger's entry if it has a new one."""

    parts: tuple[DocumentChunked, ...]
    entry: LedgerEntry | None = None


class ApplyDocuments:
    """Turns document events into versions."""

    def __init__(self, rules: DocumentRules, ledger: Ledger, cutter: DocumentCutter) -> None:
        self._rules = rules
        self._ledger = ledger
        self._cutter = cutter

    async def apply(self, event: DocumentEvent) -> Applied:
        """The event's outputs; applied again, it gives the same. Raises InvalidInput."""
        check_version(event.version)
        write = None if event.write is None else self._rules.upserted(event.write)
        if decide(self._ledger.latest(event.key), event).outcome is Outcome.STALE:
            return self._stale(event)
        if write is None:
            return self._accept(event, DocumentInfo(), ())
        cut = await self._cutter.cut(write.info.media_type, write.body, write.info.title)
        # Decided again: another event may have been accepted while this one was being cut.
        decision = decide(self._ledger.latest(event.key), event)
        if decision.outcome is Outcome.STALE:
            return self._stale(event)
        info = replace(write.info, title=cut.title)
        return self._accept(event, info, cut.chunks(event.key, decision.version))

    def _accept(self, event: DocumentEvent, info: DocumentInfo, chunks: tuple[Chunk, ...]) -> Applied:
        decision = decide(self._ledger.latest(event.key), event)
        is_deleted = decision.outcome is Outcome.DELETED
        entry = LedgerEntry(decision.version, is_deleted, event.position, event.produce_time, info, len(chunks))
        self._ledger.accept(event.key, entry)
        provenance = Provenance(event.position, event.produce_time, decision.outcome, decision.version)
        return Applied(parts_of(provenance, info, chunks), entry)

    def _stale(self, event: DocumentEvent) -> Applied:
        version = event.version or 0
        provenance = Provenance(event.position, event.produce_time, Outcome.STALE, version)
        return Applied((DocumentChunked(provenance),))


class WriteDocuments:
    """Puts checked writes into the log."""

    def __init__(self, rules: DocumentRules, log: DocumentLog) -> None:
        self.rules = rules
        self._log = log

    async def upsert(self, key: DocumentKey, event: DocumentUpserted) -> Position:
        """The write's place. Raises InvalidInput and what `DocumentLog.append` raises."""
        checked = self.rules.upserted(event)
        return await self._log.append(key, checked, checked.version)

    async def delete(self, key: DocumentKey, version: int | None) -> Position:
        """The deletion's place; nothing is said of whether the document was there."""
        check_version(version)
        return await self._log.append(key, None, version)


class ReadDocuments:
    """Tells what became of documents."""

    def __init__(self, ledger: Ledger, states: DocumentStates) -> None:
        self._ledger = ledger
        self._states = states

    def get(self, key: DocumentKey) -> LedgerEntry:
        """The document's last accepted version. Raises NotFound."""
        entry = self._ledger.published(key)
        if entry is None:
            raise NotFound(f"no document is called {key.document_id!r}")
        return entry

    async def watch(self, key: DocumentKey, until: Position | None) -> AsyncIterator[StateReached]:
        """The document's states from the current one on; ends when the event at `until` is final."""
        if until is not None and min(until.partition, until.offset) < 0:
            raise InvalidInput("a position has no negative numbers", field="until")
        async with self._states.follow(key) as states:
            async for state in states:
                yield state
                if until is not None and state.answers(until):
                    return


def parts_of(provenance: Provenance, info: DocumentInfo, chunks: tuple[Chunk, ...]) -> tuple[DocumentChunked, ...]:
    """A version as the records of `chunks.v1`; at least one."""
    count = max(1, -(-len(chunks) // MAX_PART_CHUNKS))
    return tuple(
        DocumentChunked(
            provenance,
            info,
            part=part,
            parts=count,
            chunk_count=len(chunks),
            chunks=chunks[part * MAX_PART_CHUNKS : (part + 1) * MAX_PART_CHUNKS],
        )
        for part in range(count)
    )
