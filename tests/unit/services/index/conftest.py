"""Parts of documents with vectors, and an indexer over the in-memory store."""

from collections.abc import Callable

import pytest
from headwater_index.adapters.memory import WordEncoder
from headwater_index.handlers.gate import Gate
from headwater_index.handlers.indexing import Indexer
from headwater_index.handlers.translating import Translation
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Lane, Position, chunk_id, text_hash
from headwater_kit.core.events import DocumentChunked, DocumentEmbedded, Outcome, Provenance
from headwater_kit.testing.clock import ManualClock
from headwater_text.analysis import analyse
from headwater_vectors.memory import MemoryStore
from headwater_vectors.testing.samples import MODEL, vector

KEY = DocumentKey("acme", "a")
Part = Callable[..., DocumentEmbedded]


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    await store.open()
    return store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def translation() -> Translation:
    """By an encoder that serves no model."""
    return Translation(WordEncoder(), is_bulk=False)


@pytest.fixture
def indexer(store: MemoryStore, clock: ManualClock, translation: Translation) -> Indexer:
    return Indexer(store, analyse, clock, Gate(clock), translation)


@pytest.fixture
def part() -> Part:
    """Makes part `part` of `parts`, each of `texts`; the offset is the version."""

    def make(
        version: int,
        *texts: str,
        outcome: Outcome = Outcome.UPSERTED,
        part: int = 0,
        parts: int = 1,
        chunk_count: int | None = None,
        model_id: str = MODEL.model_id,
        key: DocumentKey = KEY,
        lane: Lane = Lane.LIVE,
    ) -> DocumentEmbedded:
        first = part * len(texts)
        chunks = tuple(
            Chunk(chunk_id(key, version, first + n), first + n, text, ("Heading",), 0, len(text), 1, text_hash(text))
            for n, text in enumerate(texts)
        )
        provenance = Provenance(Position(2, version), 100.0, outcome, version=version, lane=lane)
        count = len(texts) * parts if chunk_count is None else chunk_count
        chunked = DocumentChunked(provenance, DocumentInfo(title="Title"), part, parts, count, chunks)
        return DocumentEmbedded(chunked, tuple(vector(0) for _ in texts), model_id if texts else "")

    return make
