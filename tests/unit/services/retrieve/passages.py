"""Passages to make lists of."""

from headwater_kit.core.documents import (
    Chunk,
    DocumentInfo,
    DocumentKey,
    MetadataValue,
    Passage,
    chunk_id,
    text_hash,
)

TENANT = "acme"


def passage(
    document_id: str,
    text: str,
    score: float = 1.0,
    *,
    ordinal: int = 0,
    start: int = 0,
    path: tuple[str, ...] = (),
    version: int = 1,
    **metadata: MetadataValue,
) -> Passage:
    """A passage as ranked."""
    row_id = chunk_id(DocumentKey(TENANT, document_id), version, ordinal)
    chunk = Chunk(row_id, ordinal, text, path, start, start + len(text), len(text.split()), text_hash(text))
    return Passage(chunk, document_id, version, DocumentInfo(document_id, metadata=metadata), 0, score)
