"""Rows ↔ what the collections hold."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Passage, document_row_id
from headwater_kit.core.errors import InvalidInput

from headwater_vectors.filters import EVERYONE, attributes
from headwater_vectors.milvus.schema import LEDGER_DIMENSION, MAX_BYTES
from headwater_vectors.ports import ChunkRow, LedgerRow, StoredRow
from headwater_vectors.visibility import LedgerState, revision_of


def chunk_record(row: ChunkRow, dimension: int) -> dict[str, Any]:
    """A chunk as a record of the chunks collection. Raises InvalidInput (TOO_LARGE) where it does not fit."""
    chunk, info = row.chunk, row.info
    return {
        **attributes(info.metadata),
        "row_id": chunk.chunk_id,
        "tenant": row.key.tenant,
        "document_id": row.key.document_id,
        "revision": revision_of(document_row_id(row.key), row.version),
        "version": row.version,
        "ordinal": chunk.ordinal,
        "text": _fitting("text", chunk.text),
        "heading_path": list(chunk.heading_path),
        "start_character": chunk.start,
        "end_character": chunk.end,
        "token_count": chunk.token_count,
        "text_hash": chunk.text_hash,
        "title": _fitting("title", info.title),
        "source_uri": _fitting("source_uri", info.source_uri),
        "media_type": _fitting("media_type", info.media_type),
        "metadata": _checked_metadata(info),
        "readers": list(info.readers) or [EVERYONE],
        "lexical": _cut(row.lexical),
        "dense": floats(row.vector, dimension),
    }


def passage(entity: Mapping[str, Any]) -> Passage:
    """A hit's passage."""
    chunk = Chunk(
        chunk_id=entity["row_id"],
        ordinal=entity["ordinal"],
        text=entity["text"],
        heading_path=tuple(_json(entity["heading_path"])),
        start=entity["start_character"],
        end=entity["end_character"],
        token_count=entity["token_count"],
        text_hash=entity["text_hash"],
    )
    info = DocumentInfo(
        entity["title"],
        entity["source_uri"],
        entity["media_type"],
        _json(entity["metadata"]),
        _named(entity.get("readers", ())),
    )
    return Passage(chunk, entity["document_id"], entity["version"], info)


def passages(columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Passage]]:
    """Tenants and passages of hits, by columns."""
    if not columns:
        return iter(())
    of = columns.__getitem__
    readers = columns.get("readers") or [()] * len(of("row_id"))
    # Hardly any differ from hit to hit.
    named = {each: _named(each) for each in set(readers)}
    chunks = map(
        Chunk, of("row_id"), of("ordinal"), of("text"), map(tuple, of("heading_path")), of("start_character"),
        of("end_character"), of("token_count"), of("text_hash"),
    )  # fmt: skip
    told = (of("title"), of("source_uri"), of("media_type"), of("metadata"), map(named.__getitem__, readers))
    return zip(
        of("tenant"), map(Passage, chunks, of("document_id"), of("version"), map(DocumentInfo, *told)), strict=True
    )


def ledger_row_id(row: LedgerRow) -> str:
    """The primary key of a ledger row."""
    return revision_of(document_row_id(row.key), row.version)


def ledger_record(row: LedgerRow, writer: str, switch_number: int) -> dict[str, Any]:
    """A ledger row as a record of the ledger collection."""
    return {
        "row_id": ledger_row_id(row),
        "document_row": document_row_id(row.key),
        "tenant": row.key.tenant,
        "document_id": row.key.document_id,
        "version": row.version,
        "deleted": row.deleted,
        "chunk_count": row.chunk_count,
        "writer": writer,
        "switch_number": switch_number,
        "nothing": [0.0] * LEDGER_DIMENSION,
    }


def ledger_row(key: DocumentKey, entity: Mapping[str, Any]) -> LedgerRow:
    """A document's ledger row."""
    return LedgerRow(key, entity["version"], entity["deleted"], entity["chunk_count"])


def ledger_state(entity: Mapping[str, Any]) -> LedgerState:
    """A ledger row as the visibility rule reads it."""
    return LedgerState(
        entity["document_id"],
        entity["version"],
        entity["deleted"],
        entity["chunk_count"],
        entity["writer"],
        entity["switch_number"],
    )


def key_of(entity: Mapping[str, Any]) -> DocumentKey:
    """The document of a row of either collection."""
    return DocumentKey(entity["tenant"], entity["document_id"])


def stored_row(entity: Mapping[str, Any]) -> StoredRow:
    """A chunk row, for those who check what is stored."""
    return StoredRow(entity["row_id"], key_of(entity), entity["version"], entity["ordinal"])


def floats(vector: bytes, dimension: int) -> list[float]:
    """A packed vector as pymilvus takes it. Raises InvalidInput where the length differs."""
    if len(vector) != 4 * dimension:
        raise InvalidInput(f"a vector has {len(vector)} bytes, not {4 * dimension}", field="vector")
    unpacked: list[float] = np.frombuffer(vector, dtype="<f4").tolist()
    return unpacked


def _fitting(name: str, text: str) -> str:
    size = len(text.encode())
    if size > MAX_BYTES:
        message = f"{name} has {size} bytes, the store takes {MAX_BYTES}"
        raise InvalidInput(message, field=name, reason="TOO_LARGE")
    return text


def _checked_metadata(info: DocumentInfo) -> dict[str, Any]:
    metadata = dict(info.metadata)
    _fitting("metadata", json.dumps(metadata, ensure_ascii=False))
    return metadata


def _cut(lexical: str) -> str:
    """As many whole terms as fit: a chunk without its last terms is still found by the others."""
    encoded = lexical.encode()
    return lexical if len(encoded) <= MAX_BYTES else encoded[: encoded.rindex(b" ", 0, MAX_BYTES)].decode()


def _named(readers: Sequence[str]) -> tuple[str, ...]:
    return tuple(reader for reader in readers if reader != EVERYONE)


def _json(value: Any) -> Any:
    # pymilvus hands JSON fields of search hits over parsed or not, by version.
    return json.loads(value) if isinstance(value, str | bytes) else value
