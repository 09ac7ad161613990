"""What ingest needs of the world."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey, Lane, Position
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
    """The way in: `documents.v1`, or the backfill lane's topic before it."""

    async def append(
        self, key: DocumentKey, write: DocumentUpserted | None, version: int | None, lane: Lane
    ) -> Position:
        """Returns the place of the write (None: a deletion) in its lane's topic once it is acknowledged.

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

    def last(self, key: DocumentKey) -> StateReached | None:
        """What became of the document's last event that came to an end; None if there was none."""
        ...


class ObjectStore(Protocol):
    """Bodies that are too large for the log, by name. What stands under a name never changes."""

    async def put(self, name: str, body: bytes) -> None:
        """Keeps the body; returns once it is safe. Put again, it counts as new. Raises Unavailable."""
        ...

    async def get(self, name: str) -> bytes:
        """The body. Raises NotFound, Unavailable."""
        ...

    async def sweep(self, before: float, folder: str = "") -> int:
        """Removes what was last put before this time, in seconds since the epoch; how many. Raises Unavailable.

        `folder`, which ends in a slash, leaves all else alone.
        """
        ...


class Finals(Protocol):
    """Tells when events are done with, whatever became of them."""

    def expecting(self) -> AbstractContextManager[None]:
        """While entered, what becomes final is noted, so that it may be asked for a moment later."""
        ...

    async def reached(self, key: DocumentKey | None, position: Position, deadline: Deadline) -> bool:
        """Whether the event at this position of `documents.v1` is final by the deadline; True as soon as it is.

        `key` None names no document. Raises Unavailable where that cannot be told.
        """
        ...
