"""Documents, rows and vectors to test stores with."""

from collections.abc import Mapping, Sequence

import numpy as np
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, MetadataValue, chunk_id, text_hash
from headwater_text.analysis import analyse

from headwater_vectors.ports import ChunkRow, LedgerRow, Legs, Model, Query, StoreScan, VectorStore

MODEL = Model("sample-model", 8)
KEY = DocumentKey("acme", "a")


def vector(*hot: int) -> bytes:
    """A packed vector that points along these of the eight axes."""
    values = np.zeros(MODEL.dimension, dtype="<f4")
    values[list(hot)] = 1.0
    return values.tobytes()


def rows(
    document_id: str,
    version: int,
    texts: Sequence[str],
    *,
    tenant: str = "acme",
    axis: int = 0,
    metadata: Mapping[str, MetadataValue] | None = None,
    title: str = "",
) -> list[ChunkRow]:
    """One row a text; all vectors point along `axis`."""
    key = DocumentKey(tenant, document_id)
    info = DocumentInfo(title, f"file:///{document_id}", "text/plain", metadata or {})
    return [
        ChunkRow(
            key,
            version,
            Chunk(chunk_id(key, version, n), n, text, ("Part", str(n)), n, n + len(text), 3, text_hash(text)),
            info,
            vector(axis),
            analyse(f"{title} {text}"),
        )
        for n, text in enumerate(texts)
    ]


def ledger_row(document_id: str, version: int, chunk_count: int, *, tenant: str = "acme") -> LedgerRow:
    """A version to switch to; one of no chunks is a deletion."""
    return LedgerRow(DocumentKey(tenant, document_id), version, chunk_count == 0, chunk_count)


def query(terms: str = "", axis: int | None = 0, **more: object) -> Query:
    """Both legs in the tenant acme; `axis` None leaves out the dense one."""
    fields: dict[str, object] = {"tenant": "acme", "terms": analyse(terms), "limit": 50, **more}
    return Query(vector=b"" if axis is None else vector(axis), **fields)  # type: ignore[arg-type]


async def put(store: VectorStore, written: Sequence[ChunkRow]) -> None:
    """Writes a version and switches to it."""
    await store.upsert(written)
    first = written[0]
    await store.switch(LedgerRow(first.key, first.version, False, len(written)))


def found(legs: Legs) -> set[tuple[str, int, int]]:
    """Document, version and ordinal of all hits of both legs."""
    hits = (*legs.dense, *legs.lexical)
    return {(hit.passage.document_id, hit.passage.version, hit.passage.chunk.ordinal) for hit in hits}


async def all_rows(store: StoreScan, tenant: str | None = None) -> set[tuple[str, int, int]]:
    """Document, version and ordinal of all chunk rows, visible or not."""
    return {(row.key.document_id, row.version, row.ordinal) async for page in store.rows(tenant) for row in page}


async def all_ledger_rows(store: StoreScan, tenant: str | None = None) -> list[LedgerRow]:
    """All ledger rows, sorted."""
    held = [row async for page in store.ledger_rows(tenant) for row in page]
    return sorted(held, key=lambda row: (row.key, row.version))
