"""What index needs from outside: the store, the log, a place to compare the two in, an encoder.

The store's adapters are in `headwater_vectors`.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from headwater_kit.core.companions import CompanionReported
from headwater_kit.core.documents import DocumentKey, Lane
from headwater_kit.core.events import DocumentEmbedded
from headwater_kit.core.reindexes import (
    JudgedQuery,
    ReindexJudged,
    ReindexReported,
    ReindexStatus,
    ReindexWished,
)
from headwater_kit.core.tenants import TenantErased
from headwater_vectors.companions import DroppableStore
from headwater_vectors.ports import LedgerRow, Model, StoredRow, VectorStore

from headwater_index.domain.drift import Accepted, Difference, Final, Kind, Standing, Suspect, TenantDrift
from headwater_index.domain.erasure import Remains

__all__ = ["DroppableStore", "VectorStore"]

Item_co = TypeVar("Item_co", covariant=True)
Fact = Accepted | Final | LedgerRow | StoredRow


@dataclass(frozen=True, slots=True)
class LoggedPart:
    """A part of a version as the log keeps it."""

    key: DocumentKey
    part: DocumentEmbedded


class LogReading(Protocol[Item_co]):
    """Topics read from their beginning, as far as one wants. Raises Unavailable, and may then be asked again."""

    def until_now(self) -> AsyncIterator[Sequence[Item_co]]:
        """Pages from where the reading stands up to what is the end when this is called; some may be empty."""
        ...

    @property
    def done(self) -> int:
        """Records read."""
        ...

    @property
    def total(self) -> int:
        """Records there were when `until_now` was called last."""
        ...

    @property
    def places(self) -> Mapping[int, int]:
        """By partition, a place before which all is read and was handed out before the page at hand; of one topic."""
        ...


class DocumentLog(Protocol):
    """What the log says of documents; each reading is closed at the end of its context."""

    def accepted(self) -> AbstractAsyncContextManager[LogReading[Accepted]]:
        """What ingest accepted: `ledger.v1`. May say several things of one document, in whatever order."""
        ...

    def final(self) -> AbstractAsyncContextManager[LogReading[Final]]:
        """What the index is done with: `indexed.v1`."""
        ...

    def embedded(
        self, lane: Lane | None = None, start: Mapping[int, int] | None = None
    ) -> AbstractAsyncContextManager[LogReading[LoggedPart]]:
        """The parts of both lanes, or of one alone from places on, by partition; those of one version in order."""
        ...


class TenantLog(Protocol):
    """What the log holds of a tenant. All calls raise Unavailable, and may be repeated. Adapter: `adapters.tenants`."""

    async def fence(self, erased: TenantErased) -> None:
        """Says on `tenants.v1` until when what is written in the tenant's name is erased."""
        ...

    async def delete_documents(self, tenant: str) -> int:
        """Deletes all documents that ingest has accepted and not deleted, by `documents.v1`; returns how many."""
        ...

    async def follow(self) -> None:
        """Returns once everything that is in `documents.v1` now has been applied, in both lanes."""
        ...

    async def remove(self, tenant: str) -> int:
        """Takes the tenant's keys out of the topics that keep them, and closes its dead letters; returns how many."""
        ...

    async def remains(self, tenant: str) -> Sequence[Remains]:
        """What there is in each topic."""
        ...


class QueryLog(Protocol):
    """What users asked. Adapters: `adapters.queries` and `adapters.memory`."""

    async def last(self, limit: int) -> Sequence[JudgedQuery]:
        """The last queries, each once, at most so many; judged where users reacted. Raises Unavailable."""
        ...


class Encoder(Protocol):
    """Turns texts into vectors; asked only while the log has vectors of another model than the store.

    All calls raise Transient errors where embed is away or busy, the first two
    NotFound for a model that it does not serve. Adapters: `adapters.remote` and
    `adapters.memory`.
    """

    async def passages(self, texts: Sequence[str], model_id: str, *, is_bulk: bool) -> Sequence[bytes]:
        """Packed vectors of stored texts, one a text, same order; bulk goes behind everything else."""
        ...

    async def queries(self, texts: Sequence[str], model_id: str) -> Sequence[bytes]:
        """The same of search queries, as bulk."""
        ...

    async def model(self, name: str) -> Model | None:
        """The model of this name or id, served or not; None where embed does not know it."""
        ...


class ReindexBook(Protocol):
    """What `reindexes.v1` says; read in the background. Adapter: `headwater_kit.bus.reindexes`."""

    @property
    def wish(self) -> ReindexWished | None:
        """What an operator wishes."""
        ...

    @property
    def report(self) -> ReindexReported | None:
        """How far the last reindex has come."""
        ...

    @property
    def status(self) -> ReindexStatus:
        """The same, and how it was judged."""
        ...

    @property
    def is_under_way(self) -> bool:
        """True while a reindex is wished for or under way."""
        ...

    def statuses(self) -> AsyncIterator[ReindexStatus]:
        """The status now, and whenever something is written."""
        ...


class ReindexDesk(Protocol):
    """Where wishes, reports and judgements are written down, and read. Adapters: `adapters.desk`, `adapters.memory`."""

    @property
    def book(self) -> ReindexBook:
        """What stands there."""
        ...

    def is_reindexing(self) -> bool:
        """True while a reindex is wished for or under way. Raises Unavailable while that is still being read."""
        ...

    async def write(self, said: ReindexWished | ReindexReported | ReindexJudged) -> None:
        """Returns once it is acknowledged and stands in the book. Raises Unavailable."""
        ...


class CompanionDesk(Protocol):
    """Where it is written down how far encoders have come that stand beside.

    All raise Unavailable, the first two while what stands there is still being
    read. Adapters: `adapters.companions` and `adapters.memory`.
    """

    def report(self, name: str) -> CompanionReported | None:
        """How far this one has come; None where it never began."""
        ...

    def reports(self) -> Collection[CompanionReported]:
        """The same of each that ever stood beside."""
        ...

    async def write(self, report: CompanionReported) -> None:
        """Returns once it is acknowledged and stands there."""
        ...

    async def followed(self, name: str) -> None:
        """Returns once it has applied all that `embeddings*` hold at this moment.

        At once where it is not whole; raises Unavailable too where that takes too long.
        """
        ...


class Comparison(Protocol):
    """Facts of the log and of the store, put beside each other; its memory does not grow with the corpus."""

    async def add(self, facts: Sequence[Fact]) -> None:
        """Takes facts in, in any order; of one document the highest version counts."""
        ...

    async def find(self, *, aside: bool) -> int:
        """Goes through all of it; returns how many documents are suspect, with `aside` those put aside too."""
        ...

    async def suspects(self, after: DocumentKey | None, limit: int) -> Sequence[Suspect]:
        """The next ones that have been found and not cleared, by key."""
        ...

    async def standings(self, keys: Sequence[DocumentKey]) -> Sequence[Standing]:
        """What ought to be stored, by all facts that were taken in so far; one a key, same order."""
        ...


class Findings(Protocol):
    """What came of looking at suspects again."""

    async def judge(self, looked_at: Sequence[DocumentKey], differences: Sequence[Difference]) -> None:
        """Notes the differences, and clears the others of suspicion."""
        ...

    async def repaired(self, keys: Sequence[DocumentKey]) -> None:
        """Notes that these do not differ any more."""
        ...

    async def wanted(self, keys: Sequence[DocumentKey]) -> Sequence[int]:
        """The versions of which rows are missing; one a key, same order, 0 for none."""
        ...

    def report(self) -> AsyncIterator[TenantDrift]:
        """Each tenant's drift, by name."""
        ...


class Workbook(Comparison, Findings, Protocol):
    """One comparison from beginning to end."""


class Workbooks(Protocol):
    """Where comparisons are made."""

    def open(self, tenant: str | None) -> AbstractAsyncContextManager[Workbook]:
        """An empty one; it takes in only what is of the tenant, if one is named."""
        ...


class DriftMeter(Protocol):
    """Where drift is shown to operators."""

    def measure(self, counts: Mapping[Kind, int], repaired: int) -> None:
        """Shows how many documents of all tenants differed, and how many of them were repaired."""
        ...
