"""The vector store as index writes it and retrieve reads it.

Adapters: `milvus` (Milvus Lite on a laptop, Milvus in a cluster) and `memory`.
One contract suite, `testing.contract`, holds for both.

A document's rows of one version become visible, and those of the version before
vanish, by a single write of its ledger row (`switch`): a search drops every hit
whose version is not the one that its document's ledger row names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Passage
from headwater_kit.core.filters import Filter


@dataclass(frozen=True, slots=True)
class Model:
    """The model whose vectors a collection holds: one collection, one model (I6)."""

    model_id: str
    dimension: int


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk as stored.

    `vector` is packed little-endian float32; `lexical` is the analysed text of
    title, headings and body (`headwater_text.analysis.analyse`).
    """

    key: DocumentKey
    version: int
    chunk: Chunk
    info: DocumentInfo
    vector: bytes
    lexical: str


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The version of a document that searches return; version of a deletion if `deleted`."""

    key: DocumentKey
    version: int
    deleted: bool
    chunk_count: int


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for. A leg without its half, `vector` or `terms`, finds nothing.

    `vector` is packed little-endian float32, `terms` what `headwater_text.analysis.analyse`
    makes of the question, `limit` how many hits each leg may return.
    """

    tenant: str
    vector: bytes = b""
    terms: str = ""
    limit: int = 100
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that one leg found; `score` is a cosine or a BM25 score.

    `rank` and `score` of the passage are not set.
    """

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg found, best first: nearest by cosine, and best by BM25.

    Rows that share no term with the query are not among the lexical hits.
    """

    dense: tuple[Hit, ...] = ()
    lexical: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Chunks and documents of a tenant that searches can return.

    Chunks of versions being written or replaced may be counted too.
    """

    chunks: int
    documents: int


class VectorWriter(Protocol):
    """Write side; owned by index. Every call returns when it is durable and
    raises Unavailable when the store is away; then it may be repeated.

    Calls for different documents may run at the same time; they share writes.
    """

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        """Writes rows; they stay invisible until `switch` names their version.

        Raises InvalidInput (TOO_LARGE) for a row that the store cannot hold.
        """
        ...

    async def whole(self, row: LedgerRow) -> bool:
        """True if all `chunk_count` rows of this version are stored; `switch` may follow."""
        ...

    async def switch(self, rows: Sequence[LedgerRow]) -> None:
        """Makes exactly these versions visible, one document atomically at a time.

        A row at or below the stored version of its document changes nothing.
        """
        ...

    async def sweep(self, row: LedgerRow, replaced: LedgerRow | None = None) -> None:
        """Deletes the chunk rows of versions before this one, or, of a deletion, all up to it.

        `replaced` is the row that `switch` replaced, where the caller knows it:
        its rows are deleted by their ids, which costs no search. Otherwise the
        document's rows are looked for.
        """
        ...

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """The ledger rows, one a key, same order; reads its own writes."""
        ...


class VectorReader(Protocol):
    """Read side; owned by retrieve. Raises Unavailable when the store is away."""

    async def search(self, query: Query) -> Legs:
        """Runs both legs over one state of each document.

        Tenant and filter are applied before ranking. Hits come only from
        versions that were whole before the search began and that the ledger
        names after it, the same version in both legs. Where that cannot be told
        or hits had to be dropped, it searches again, a bounded number of times.
        Finds nothing while there is no collection.
        """
        ...

    async def counts(self, tenant: str) -> Counts:
        """How much of a tenant is stored."""
        ...

    async def collection(self) -> tuple[str, Model] | None:
        """Name and model of the collection that searches read; None if there is none yet."""
        ...


class VectorStore(VectorWriter, VectorReader, Protocol):
    """Both sides over one collection, which holds the vectors of one model."""

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
