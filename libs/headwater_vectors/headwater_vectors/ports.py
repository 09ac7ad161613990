"""The vector store as index writes it and retrieve reads it.

Adapters: `milvus` (Milvus Lite on a laptop, Milvus in a cluster) and `memory`.
One contract suite, `headwater_vectors.contract`, holds for both.

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
class ChunkRow:
    """A chunk as stored. `vector` is packed little-endian float32; `lexical` is
    the analysed text of title, headings and body (`analysis.analyse`)."""

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

    `vector` is packed little-endian float32, `terms` what `analysis.analyse`
    makes of the question, `limit` how many hits each leg may return.
    """

    tenant: str
    vector: bytes = b""
    terms: str = ""
    limit: int = 100
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that one leg found; `score` is a cosine or a BM25 score; `rank`
    and `score` of the passage are not set."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Legs:
    """What each leg found, best first: nearest by cosine, and best by BM25.
    Rows that share no term with the query are not among the lexical hits."""

    dense: Sequence[Hit] = ()
    lexical: Sequence[Hit] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Chunk rows and searchable documents of a tenant."""

    chunks: int
    documents: int


class VectorWriter(Protocol):
    """Write side; owned by index. Every call returns when it is durable and
    raises Unavailable when the store is away; then it may be repeated."""

    async def upsert(self, rows: Sequence[ChunkRow]) -> None:
        """Writes rows; they stay invisible until `switch` names their version."""
        ...

    async def switch(self, rows: Sequence[LedgerRow]) -> None:
        """Makes exactly these versions visible, one document atomically at a time.

        A row at or below the stored version of its document changes nothing.
        """
        ...

    async def sweep(self, rows: Sequence[LedgerRow]) -> None:
        """Deletes the chunk rows of other versions below these rows' versions, or, of a deletion, all."""
        ...

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """The ledger rows, one a key, same order; reads its own writes."""
        ...

    async def maintain(self) -> None:
        """Flushes, and does what keeps searches fast; searches go on meanwhile."""
        ...


class VectorReader(Protocol):
    """Read side; owned by retrieve. Raises Unavailable when the store is away."""

    async def search(self, query: Query) -> Legs:
        """Runs both legs over one state of each document.

        Tenant and filter are applied before ranking. Hits come only from
        versions that were whole before the search began and that the ledger
        names after it, the same version in both legs. Where a hit had to be
        dropped, it searches once more without that version.
        """
        ...

    async def counts(self, tenant: str) -> Counts:
        """How much of a tenant is stored."""
        ...


class VectorStore(VectorWriter, VectorReader, Protocol):
    """Both sides over one collection, which holds the vectors of one model."""

    async def open(self) -> None:
        """Creates what is missing and loads; may be called again. Raises Unavailable, Misconfigured."""
        ...

    async def ping(self, seconds: float) -> None:
        """Returns if the store answers within `seconds`; raises Unavailable if not."""
        ...

    async def close(self) -> None:
        """Lets go; stored rows stay."""
        ...
