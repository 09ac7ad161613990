"""A part of a document version as rows of the store."""

from collections.abc import Callable

from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentEmbedded
from headwater_vectors.ports import ChunkRow, Model

# Text to the terms of the lexical leg.
Analyser = Callable[[str], str]
FLOAT_BYTES = 4
# What a word of the title counts for, in words of the body (docs/retrieval.md).
TITLE_TIMES = 2
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
    """The terms a chunk is found by: of its title, its headings and its body.

    Fields are weighted by how often their terms stand there, as in BM25F
    (Robertson et al., 2004), in the one field that every store ranks alike.
    """
    # A title that is also the first heading, as most are, counts as the title alone.
    headings = chunk.heading_path[1:] if chunk.heading_path[:1] == (info.title,) else chunk.heading_path
    return analyse("\n".join((*TITLE_TIMES * (info.title,), *headings, chunk.text)))
