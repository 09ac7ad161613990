"""A part of a document version as rows of the store."""

from collections.abc import Callable

from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentEmbedded
from headwater_vectors.ports import ChunkRow, Model

# Text to the terms of the lexical leg.
Analyser = Callable[[str], str]
FLOAT_BYTES = 4
INVALID_VECTORS = "INVALID_VECTORS"


def model_of(part: DocumentEmbedded) -> Model:
    """The model of a part's vectors. Raises InvalidInput where they do not fit the chunks or each other."""
    sizes = {len(vector) for vector in part.vectors}
    if len(part.vectors) != len(part.chunked.chunks) or len(sizes) != 1 or sizes & {0} or sizes.pop() % FLOAT_BYTES:
        raise InvalidInput(
            "a part needs one vector a chunk, all of one length", reason=INVALID_VECTORS, field="vectors"
        )
    if not part.model_id:
        raise InvalidInput("a part with vectors names their model", reason=INVALID_VECTORS, field="model_id")
    return Model(part.model_id, len(part.vectors[0]) // FLOAT_BYTES)


def rows_of(key: DocumentKey, part: DocumentEmbedded, analyse: Analyser) -> list[ChunkRow]:
    """A part as rows of the store."""
    chunked = part.chunked
    return [
        ChunkRow(
            key, chunked.provenance.version, chunk, chunked.info, vector, lexical(chunked.info, chunk, analyse),
            part.model_id,
        )
        for chunk, vector in zip(chunked.chunks, part.vectors, strict=True)
    ]  # fmt: skip


def lexical(info: DocumentInfo, chunk: Chunk, analyse: Analyser) -> str:
    """The terms a chunk is found by: of its title, its headings and its body."""
    return analyse("\n".join((info.title, *chunk.heading_path, chunk.text)))
