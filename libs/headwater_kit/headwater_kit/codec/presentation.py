"""What was done to a passage ↔ `headwater.documents.v1.Presentation`."""

from headwater.documents.v1 import documents_pb2 as pb

from headwater_kit.core.presentation import Presentation, Span


def presentation_to_proto(presentation: Presentation) -> pb.Presentation | None:
    """The message; none for a passage to which nothing was done."""
    if presentation == Presentation():
        return None
    return pb.Presentation(
        highlights=map(_span_to_proto, presentation.highlights),
        duplicates=presentation.duplicates,
        duplicate_document_ids=presentation.duplicate_ids,
        hit=None if presentation.hit is None else _span_to_proto(presentation.hit),
        chunk_ids=presentation.chunk_ids,
        recency=presentation.recency,
        held_back=presentation.held_back,
    )


def presentation_from_proto(message: pb.Presentation) -> Presentation:
    """What was done; an unset message says nothing."""
    return Presentation(
        highlights=tuple(map(_span_from_proto, message.highlights)),
        duplicates=message.duplicates,
        duplicate_ids=tuple(message.duplicate_document_ids),
        hit=_span_from_proto(message.hit) if message.HasField("hit") else None,
        chunk_ids=tuple(message.chunk_ids),
        recency=message.recency if message.HasField("recency") else None,
        held_back=message.held_back,
    )


def _span_to_proto(span: Span) -> pb.Span:
    return pb.Span(start=span.start, end=span.end)


def _span_from_proto(message: pb.Span) -> Span:
    return Span(message.start, message.end)
