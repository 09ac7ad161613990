"""Ingest's chunker and the embed service's handlers in one process, with a count in place of the encoder."""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from headwater_embed.adapters.lru import LruCache
from headwater_embed.domain import Embedding
from headwater_embed.handlers import Embedder
from headwater_embed.settings import Settings
from headwater_inference.ports import Lane, ModelCard, WhenFull
from headwater_inference.tokens import TokenCounter
from headwater_ingest.domain.chunking import ChunkPolicy
from headwater_ingest.domain.cutting import CutDocument, cut_document
from headwater_ingest.domain.parts import parts_of
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, Position, embedding_text
from headwater_kit.core.events import Outcome, Provenance

MIB = 1024 * 1024
KEY = DocumentKey("default", "edited")


class CountingEngine:
    """An Engine, and all the Engines there are, that encodes nothing and notes what it was asked to encode."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card
        self.encoded: list[str] = []
        self._vector = bytes(4 * card.dimension)

    async def embed(
        self, texts: Sequence[str], lane: Lane, when_full: WhenFull, deadline: Deadline
    ) -> Sequence[Embedding]:
        """A vector of no meaning for each text."""
        self.encoded += texts
        return [Embedding(self._vector, is_truncated=False)] * len(texts)

    def engine(self, model_id: str) -> "CountingEngine":
        """Itself, whatever the model."""
        return self

    def serve(self, live: str, others: Collection[str] = ()) -> None:
        """It serves what it serves."""

    def known(self) -> Sequence[tuple[ModelCard, bool]]:
        """Its own model."""
        return [(self.card, True)]


@dataclass(frozen=True)
class Version:
    """A document as cut; `inputs` are what is embedded for its chunks."""

    cut: CutDocument
    chunks: tuple[Chunk, ...]

    @functools.cached_property
    def inputs(self) -> list[str]:
        """One a chunk, in their order."""
        return [embedding_text(self.cut.title, chunk.heading_path, chunk.text) for chunk in self.chunks]


class Pipeline:
    """Ingest's chunker and the embed service's handlers, with a cache of their own."""

    def __init__(self, counter: TokenCounter, settings: Settings) -> None:
        self._counter = counter
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        """Empties the cache and the counts."""
        self.engine = CountingEngine(self._settings.model_spec().card)
        cache = LruCache(self._settings.embed_cache_mb * MIB)
        self._embedder = Embedder(self.engine, cache, SystemClock(), part_seconds=60.0)

    def cut(self, text: str, title: str = "") -> Version:
        """The text's chunks, as ingest cuts them by default."""
        cut = cut_document("text/plain", text, title, self._counter, ChunkPolicy())
        return Version(cut, cut.chunks(KEY, 1))

    async def write(self, version: Version, metadata: Mapping[str, str] | None = None) -> list[str]:
        """What had to be encoded for it."""
        before = len(self.engine.encoded)
        info = DocumentInfo(version.cut.title, metadata=metadata or {})
        for part in parts_of(Provenance(Position(0, 0), 0.0, Outcome.UPSERTED, version=1), info, version.chunks):
            await self._embedder.embed_part(part)
        return self.engine.encoded[before:]

    @functools.cache  # noqa: B019 - one pipeline a run
    def tokens(self, text: str) -> int:
        """Of a text as the encoder reads it, less the special ones."""
        return self._counter.count(text)
