"""A body to the text and the chunks that represent it: all that costs processor time."""

from dataclasses import dataclass

from headwater_kit.core.documents import Chunk, DocumentKey, chunk_id, embedding_text, text_hash
from headwater_kit.core.errors import InvalidInput

from headwater_ingest.domain.blocks import MAX_HEADING_CHARACTERS
from headwater_ingest.domain.chunking import ChunkPolicy, Span, cut
from headwater_ingest.domain.parsing import parse
from headwater_ingest.domain.tokens import TokenCounter


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A document parsed and cut. `title` is the producer's, or else the document's own; may be empty."""

    title: str
    text: str
    spans: tuple[Span, ...]

    def chunks(self, key: DocumentKey, version: int) -> tuple[Chunk, ...]:
        """The chunks as stored; the same for the same version of the same document."""
        return tuple(self._chunk(key, version, ordinal, span) for ordinal, span in enumerate(self.spans))

    def _chunk(self, key: DocumentKey, version: int, ordinal: int, span: Span) -> Chunk:
        text = self.text[span.start : span.end]
        return Chunk(
            chunk_id=chunk_id(key, version, ordinal),
            ordinal=ordinal,
            text=text,
            heading_path=span.heading_path,
            start=span.start,
            end=span.end,
            token_count=span.token_count,
            text_hash=text_hash(embedding_text(self.title, span.heading_path, text)),
        )


def cut_document(media_type: str, body: str, title: str, counter: TokenCounter, policy: ChunkPolicy) -> CutDocument:
    """Parses and cuts a body.

    Raises InvalidInput: EMPTY_TEXT where no text is left, TOO_COMPLEX where the
    body nests beyond measure.
    """
    parsed = parse(media_type, body)
    if not parsed.blocks:
        raise InvalidInput("the document has no text: send some", reason="EMPTY_TEXT", field="body")
    title = title or parsed.title[:MAX_HEADING_CHARACTERS]
    return CutDocument(title, parsed.text, cut(parsed, title, counter, policy))
