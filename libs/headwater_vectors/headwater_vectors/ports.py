"""The vector store as index writes it and retrieve reads it.

Adapters: `milvus` (Milvus Lite on a laptop, Milvus in a cluster) and `memory`.
One contract suite holds for both, in `testing`.

A document's rows of one version become visible, and those of the version before
vanish, by a single write of a ledger row (`switch`). The ledger has a row for
each version of a document that was switched to and not yet swept; the highest
is served, and a search drops every hit of another version. So nothing is ever
overwritten by something older: a writer that comes late changes nothing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Passage
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.filters import Filter
from headwater_kit.core.readers import may_read

# A search or write looks up which collection is served if that was last done so long ago. It costs the store a
# request a second and process.
NOTICE_SECONDS = 1.0


class ModelChanged(Unavailable):
    """Another model's collection is served than the one a vector was made for: make it by that one, and come again."""

    reason = "MODEL_CHANGED"


@dataclass(frozen=True, slots=True)
class Model:
    """The model whose vectors a collection holds: one collection, one model (I6)."""

    model_id: str
    dimension: int


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk as stored.

    `vector` is packed little-endian float32, of the model `model_id`; empty says
    that the caller knows the collection's. `lexical` is the analysed text of
    title, headings and body (`headwater_text.analysis.analyse`).
    """

    key: DocumentKey
    version: int
    chunk: Chunk
    info: DocumentInfo
    vector: bytes
    lexical: str
    model_id: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A version that searches return while it is the highest of its document; of a deletion if `deleted`."""

    key: DocumentKey
    version: int
    deleted: bool
    chunk_count: int


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. A leg without its half, `vector` or `terms`, finds nothing.

    `vector` is packed little-endian float32, of the model `model_id`; empty says
    that the caller knows the collection's. `terms` is what
    `headwater_text.analysis.analyse` makes of the question, `limit` how many hits
    each leg may return. Found is what `reads_as`, the asker's names, may read
    (`core.readers`); None, for upkeep, leaves that out.
    """

    tenant: str
    vector: bytes = b""
    terms: str = ""
    limit: int = 100
    filter: Filter | None = None
    model_id: str = ""
    reads_as: tuple[str, ...] | None = ()

    def admits(self, tenant: str, info: DocumentInfo) -> bool:
        """Whether a document of this tenant is there for the asker; whether it passes the filter is not asked."""
        return tenant == self.tenant and (self.reads_as is None or may_read(info.readers, self.reads_as))


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that one leg found; `score` is a cosine or a BM25 score. The passage's rank and score are not set."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg found, best first: nearest by cosine, and best by BM25, of rows that share a term with it."""

    dense: tuple[Hit, ...] = ()
    lexical: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Chunks and documents of a tenant that searches can return, and chunks of versions being written or replaced."""

    chunks: int
    documents: int


class VectorWriter(Protocol):
    """Write side; owned by index. Every call returns when it is durable and
    raises Unavailable when the store is away; then it may be repeated.

    Calls for different documents may run at the same time; they share writes.
    Several processes may write, also about one document: whoever has the
    highest version wins, and the others clean up after themselves.
    """

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        """Writes rows; they stay invisible until `switch` names their version.

        Raises InvalidInput (TOO_LARGE) for a row that the store cannot hold,
        ModelChanged, before anything is written, for vectors of a model that is
        not the collection's.
        """
        ...

    async def whole(self, row: LedgerRow) -> bool:
        """True if all `chunk_count` rows of this version are stored; `switch` may follow."""
        ...

    async def switch(self, row: LedgerRow) -> LedgerRow:
        """Makes this version visible if it is the highest of its document; returns the row served now.

        Then deletes all that is below the highest: chunk rows first, their
        ledger rows last; its own too if it lost. One that stands already, also
        with other content, stays as it is.
        """
        ...

    async def discard(self, row: LedgerRow) -> None:
        """Deletes the rows of a version that is not to be served: its first `chunk_count` chunks, and its ledger row,
        with the chunks that this one tells of. Of the version that is served only chunks beyond its own count go.
        """
        ...

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """The rows served, one a key, same order; reads all acknowledged writes."""
        ...


class VectorReader(Protocol):
    """Read side; owned by retrieve. Raises Unavailable when the store is away."""

    async def search(self, query: Query) -> Legs:
        """Runs both legs over one state of each document.

        Tenant, readers and filter are applied before ranking. Hits come only from
        versions that were whole before the search began and that the ledger
        names after it, the same version in both legs. Where that cannot be told
        or hits had to be dropped, it searches again, a bounded number of times.
        Finds nothing while there is no collection. Raises ModelChanged for a
        vector of a model that is not the collection's.
        """
        ...

    async def counts(self, tenant: str) -> Counts:
        """How much of a tenant is stored."""
        ...

    async def passages(self, tenant: str, row_ids: Sequence[str]) -> Sequence[Passage]:
        """Those of these chunk rows that are stored and this tenant's, of whatever version, in no order."""
        ...

    async def vectors(self, tenant: str, row_ids: Sequence[str], model_id: str) -> Mapping[str, bytes]:
        """The vectors of those of these rows that are stored, this tenant's and of this model (I6), by row id."""
        ...

    async def collection(self) -> tuple[str, Model] | None:
        """Name and model of the collection that searches read; None if there is none yet."""
        ...


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A chunk row that is in the store, visible or not."""

    row_id: str
    key: DocumentKey
    version: int
    ordinal: int


class StoreScan(Protocol):
    """All that is stored, for those who check and repair it (index).

    Pages are bounded and no snapshot: what changes during a scan may be seen or
    not. The others read all acknowledged writes. All raise Unavailable when the
    store is away; `tenant` None means all. Without a collection there is nothing.
    """

    def rows(self, tenant: str | None = None) -> AsyncIterator[Sequence[StoredRow]]:
        """The chunk rows."""
        ...

    def ledger_rows(self, tenant: str | None = None) -> AsyncIterator[Sequence[LedgerRow]]:
        """The ledger rows, those of superseded versions too."""
        ...

    async def versions(self, key: DocumentKey) -> Sequence[LedgerRow]:
        """All ledger rows of one document."""
        ...

    async def present(self, row_ids: Sequence[str]) -> frozenset[str]:
        """Which of these chunk rows are stored."""
        ...

    async def erase(self, row_ids: Sequence[str], versions: Sequence[LedgerRow]) -> None:
        """Deletes exactly these chunk rows, then exactly these ledger rows, served or not; for repairs."""
        ...


class Collections(Protocol):
    """Other collections beside the one that is served; for rebuilding and reindexing (index). All raise Unavailable."""

    async def shadow(self, label: str) -> "VectorStore":
        """A store over another collection, opened; the same one again for the same label.

        `label` is 1 to 40 of a-z, 0-9 and `_`; the name of a collection made by it ends in it.
        To be closed by its caller; `adopt` makes the collection. After
        `promote` it is the collection served. Raises Misconfigured for another label.
        """
        ...

    async def keep(self, label: str) -> None:
        """Names the served collection by a label too, so that it can be opened and promoted when it no longer is.

        The label comes to name it whatever it named before. Without a collection nothing happens.
        """
        ...

    async def promote(self, label: str) -> str:
        """Serves the shadow's collection from now on; returns the name of the one it takes the place of, or "".

        Every search and write that begins NOTICE_SECONDS later, in whatever
        process, goes to it; those under way end where they began. Repeating it
        is no error. Raises Misconfigured where there is no such shadow.
        """
        ...

    async def retire(self, name: str) -> None:
        """Drops a collection with all names for it, by its name or its label; one that is not there is no error.

        Raises Misconfigured for the one that is served.
        """
        ...

    async def spare(self) -> Sequence[str]:
        """Names of the collections that are not served: shadows, and those that were replaced."""
        ...


class VectorStore(VectorWriter, VectorReader, StoreScan, Collections, Protocol):
    """All sides over one collection, which holds the vectors of one model."""

    async def open(self) -> None:
        """Connects, and loads the collection if there is one; may be called again.

        Raises Unavailable, Misconfigured.
        """
        ...

    async def adopt(self, model: Model) -> None:
        """Makes sure that the collection is this model's; the first call ever creates it.

        Cheap when repeated; to be called before writing. Raises Misconfigured
        where the collection holds another model's vectors.
        """
        ...

    async def maintain(self) -> None:
        """Flushes, and does what keeps searches fast; searches and writes go on meanwhile."""
        ...

    async def ping(self, seconds: float) -> None:
        """Returns if the store answers within `seconds`; raises Unavailable if not."""
        ...

    async def close(self) -> None:
        """Lets go; stored rows stay."""
        ...
