"""Cutting in the caller's own task."""

from headwater_ingest.domain.chunking import ChunkPolicy
from headwater_ingest.domain.cutting import CutDocument, cut_document
from headwater_ingest.domain.tokens import TokenCounter
from headwater_ingest.domain.validation import body_text


class DirectCutter:
    """A `ports.DocumentCutter` without limits that holds up the event loop: for tests."""

    def __init__(self, counter: TokenCounter, policy: ChunkPolicy) -> None:
        self._counter = counter
        self._policy = policy

    async def cut(self, media_type: str, body: bytes, title: str) -> CutDocument:
        return cut_document(media_type, body_text(body), title, self._counter, self._policy)
