"""What became of documents."""

from collections.abc import AsyncIterator
from dataclasses import replace

from headwater_kit.core.documents import DocumentInfo, DocumentKey, Position, Principal
from headwater_kit.core.errors import InvalidInput, NotFound
from headwater_kit.core.events import LedgerEntry
from headwater_kit.core.readers import may_read, names_of

from headwater_ingest.domain.watching import State, StateReached
from headwater_ingest.ports import DocumentStates, Ledger


class ReadDocuments:
    """Tells what became of documents."""

    def __init__(self, ledger: Ledger, states: DocumentStates) -> None:
        self._ledger = ledger
        self._states = states

    def get(self, key: DocumentKey, principal: Principal) -> LedgerEntry:
        """The document's last accepted version; what it says of itself only to whom may read it.

        Raises NotFound, with reason REJECTED where all of it was put aside.
        """
        entry = self._ledger.published(key)
        if entry is not None:
            # Producers need not be readers, and look here for what became of their writes.
            return entry if may_read(entry.info.readers, names_of(principal)) else replace(entry, info=DocumentInfo())
        last = self._states.last(key)
        if last is not None and last.state is State.REJECTED:
            message = f"nothing of {key.document_id!r} was accepted: its last event was rejected ({last.reason})"
            raise NotFound(message, reason=State.REJECTED.name)
        raise NotFound(f"no document is called {key.document_id!r}")

    async def watch(self, key: DocumentKey, until: Position | None) -> AsyncIterator[StateReached]:
        """The document's states from the current one on; ends when the event at `until` is final."""
        if until is not None and min(until.partition, until.offset) < 0:
            raise InvalidInput("a position has no negative numbers", field="until")
        async with self._states.follow(key) as states:
            async for state in states:
                yield state
                if until is not None and state.answers(until):
                    return
