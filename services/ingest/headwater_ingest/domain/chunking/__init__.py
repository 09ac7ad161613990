"""Text to chunks by structure: sections, then blocks, then sentences or lines, then tokens."""

from headwater_ingest.domain.chunking.document import cut
from headwater_ingest.domain.chunking.policy import ChunkPolicy
from headwater_ingest.domain.chunking.span import Span

__all__ = ["ChunkPolicy", "Span", "cut"]
