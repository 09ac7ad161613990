"""Documents, chunks and passages ↔ `headwater.documents.v1`."""

from collections.abc import Iterable, Sequence

from headwater.documents.v1 import documents_pb2 as pb

from headwater_kit.codec.presentation import presentation_from_proto, presentation_to_proto
from headwater_kit.codec.values import metadata_from_proto, metadata_to_proto
from headwater_kit.core.documents import Chunk, DocumentInfo, Freshness, Passage, Position, ScoreParts


def position_to_proto(position: Position) -> pb.SourcePosition:
    """A place in `documents.v1`."""
    return pb.SourcePosition(partition=position.partition, offset=position.offset)


def position_from_proto(message: pb.SourcePosition) -> Position:
    """A place in `documents.v1`."""
    return Position(message.partition, message.offset)


def positions_from_proto(messages: Iterable[pb.SourcePosition]) -> tuple[Position, ...]:
    """Places in `documents.v1`, in the given order."""
    return tuple(position_from_proto(message) for message in messages)


def freshness_to_proto(freshness: Freshness) -> pb.Freshness:
    """How fresh an answer must be."""
    return pb.Freshness(
        min_positions=map(position_to_proto, freshness.min_positions),
        wait_ms=freshness.wait_ms,
        max_staleness_ms=freshness.max_staleness_ms,
    )


def freshness_from_proto(message: pb.Freshness) -> Freshness:
    """How fresh an answer must be; an unset message asks for nothing."""
    return Freshness(
        positions_from_proto(message.min_positions),
        message.wait_ms,
        message.max_staleness_ms if message.HasField("max_staleness_ms") else None,
    )


def watermark_to_proto(positions: Sequence[Position]) -> pb.Watermark:
    """Highest applied positions, one a partition, by partition."""
    return pb.Watermark(positions=[position_to_proto(position) for position in sorted(positions)])


def watermark_from_proto(message: pb.Watermark) -> tuple[Position, ...]:
    """Highest applied positions, one a partition."""
    return positions_from_proto(message.positions)


def info_to_proto(info: DocumentInfo) -> pb.DocumentInfo:
    """What a producer says about a document."""
    return pb.DocumentInfo(
        title=info.title,
        source_uri=info.source_uri,
        media_type=info.media_type,
        metadata=metadata_to_proto(info.metadata),
        readers=info.readers,
    )


def info_from_proto(message: pb.DocumentInfo, field: str = "info") -> DocumentInfo:
    """What a producer says about a document. Raises InvalidInput (INVALID_METADATA) naming the key."""
    return DocumentInfo(
        title=message.title,
        source_uri=message.source_uri,
        media_type=message.media_type,
        metadata=metadata_from_proto(message.metadata, f"{field}.metadata"),
        readers=tuple(message.readers),
    )


def chunk_to_proto(chunk: Chunk) -> pb.Chunk:
    """A stored span."""
    return pb.Chunk(
        chunk_id=chunk.chunk_id,
        ordinal=chunk.ordinal,
        text=chunk.text,
        heading_path=chunk.heading_path,
        start=chunk.start,
        end=chunk.end,
        token_count=chunk.token_count,
        text_hash=chunk.text_hash,
    )


def chunk_from_proto(message: pb.Chunk) -> Chunk:
    """A stored span."""
    return Chunk(
        chunk_id=message.chunk_id,
        ordinal=message.ordinal,
        text=message.text,
        heading_path=tuple(message.heading_path),
        start=message.start,
        end=message.end,
        token_count=message.token_count,
        text_hash=message.text_hash,
    )


def parts_to_proto(parts: ScoreParts) -> pb.ScoreParts:
    """A score's parts; a leg that did not match stays unset."""
    return pb.ScoreParts(dense=parts.dense, lexical=parts.lexical, memory=parts.memory, rerank=parts.rerank)


def parts_from_proto(message: pb.ScoreParts) -> ScoreParts:
    """A score's parts; an unset leg is None."""
    return ScoreParts(
        dense=message.dense if message.HasField("dense") else None,
        lexical=message.lexical if message.HasField("lexical") else None,
        memory=message.memory if message.HasField("memory") else None,
        rerank=message.rerank if message.HasField("rerank") else None,
    )


def passage_to_proto(passage: Passage) -> pb.Passage:
    """A chunk as retrieved."""
    return pb.Passage(
        chunk=chunk_to_proto(passage.chunk),
        document_id=passage.document_id,
        version=passage.version,
        info=info_to_proto(passage.info),
        rank=passage.rank,
        score=passage.score,
        parts=parts_to_proto(passage.parts),
        presentation=presentation_to_proto(passage.presentation),
    )


def passage_from_proto(message: pb.Passage) -> Passage:
    """A chunk as retrieved. Raises InvalidInput (INVALID_METADATA)."""
    return Passage(
        chunk=chunk_from_proto(message.chunk),
        document_id=message.document_id,
        version=message.version,
        info=info_from_proto(message.info),
        rank=message.rank,
        score=message.score,
        parts=parts_from_proto(message.parts),
        presentation=presentation_from_proto(message.presentation),
    )
