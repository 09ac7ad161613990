"""What ingest needs of the world."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from headwater_kit.core.documents import DocumentKey, Position
from headwater_kit.core.events import DocumentUpserted, LedgerEntry

from headwater_ingest.domain.cutting import CutDocument
from headwater_ingest.domain.watching import StateReached


class Ledger(Protocol):
    """Each document's last accepted version. Local, so its calls do not wait."""

    def latest(self, key: DocumentKey) -> LedgerEntry | None:
        """The last version that this process knows of, accepted by itself a moment ago included."""
        ...

    def published(self, key: DocumentKey) -> LedgerEntry | None:
        """The last version that the log holds; every replica comes to say the same."""
        ...

    def accept(self, key: DocumentKey, entry: LedgerEntry) -> None:
        """Makes `entry` the latest, until the log says so too."""
        ...


class DocumentCutter(Protocol):
    """Parses and cuts bodies off the event loop, within limits of time and memory."""

    async def cut(self, media_type: str, body: bytes, title: str) -> CutDocument:
        """What `domain.cutting.cut_document` gives for a body in UTF-8, and what it raises.

        Raises InvalidInput (TOO_COMPLEX) as well where the body takes more than
        the limits allow.
        """
        ...


class DocumentLog(Protocol):
    """The one way in: `documents.v1`."""

    async def append(self, key: DocumentKey, write: DocumentUpserted | None, version: int | None) -> Position:
        """Returns the place of the write (None: a deletion) once it is acknowledged.

        Raises Overloaded at once when too much is under way, Unavailable when
        the broker does not acknowledge in time, InvalidInput (TOO_LARGE).
        """
        ...


class DocumentStates(Protocol):
    """What became of documents, told as it happens."""

    def follow(self, key: DocumentKey) -> AbstractAsyncContextManager[AsyncIterator[StateReached]]:
        """The document's current state, then each further one; endless.

        A follower that is slow misses states in between, never the last one.
        Raises Overloaded when too many follow.
        """
        ...
