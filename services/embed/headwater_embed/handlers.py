"""The use cases: embed a caller's texts, embed a part of a document, rerank passages, name the models."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from headwater_inference.ports import Lane, ModelCard, WhenFull
from headwater_kit.core import documents
from headwater_kit.core.clock import Clock
from headwater_kit.core.crash import crash_point
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import embedding_text
from headwater_kit.core.errors import HeadwaterError, InvalidInput, NotFound
from headwater_kit.core.events import DocumentChunked, DocumentEmbedded, Outcome
from headwater_kit.core.flights import Flights

from headwater_embed.domain import Embedded, Embedding, Overlong, Reranked, TextKind, cache_key, model_input
from headwater_embed.ports import Engine, Engines, RerankEngine, VectorCache

MAX_TEXTS = 256
# A hundred times the window of the default model: more is a mistake, not a text.
MAX_TEXT_CHARACTERS = 100_000
# A second of work for two cores of 2025; who wants more orders more than there is doubt about.
MAX_PASSAGES = 64
MAX_QUERY_CHARACTERS = 8_192

LANES = {TextKind.QUERY: Lane.QUERY, TextKind.PASSAGE: Lane.LIVE}
PART_LANES = {documents.Lane.LIVE: Lane.LIVE, documents.Lane.BACKFILL: Lane.BACKFILL}


class Embedder:
    """Embeds each text once: what the cache holds, or another call of the lane embeds just now, is not embedded again.

    A part of a document may take `part_seconds`, most of which it waits in a full lane. `query_cache` is for queries,
    which somebody waits for; the same cache, unless given.
    """

    def __init__(
        self,
        engines: Engines,
        cache: VectorCache,
        clock: Clock,
        *,
        part_seconds: float,
        query_cache: VectorCache | None = None,
        overlong: Overlong = Overlong.TRUNCATE,
    ) -> None:
        self._engines = engines
        self._cache = cache
        self._query_cache = cache if query_cache is None else query_cache
        self._clock = clock
        self._part_seconds = part_seconds
        self._overlong = overlong
        self._flights: Flights[tuple[Lane, str], Embedding] = Flights()

    def models(self) -> Sequence[tuple[ModelCard, bool]]:
        """All models there are, and whether each can be asked for now; the default first."""
        return self._engines.known()

    async def embed_texts(
        self, texts: Sequence[str], kind: TextKind, model_id: str, deadline: Deadline, *, bulk: bool = False
    ) -> Embedded:
        """A caller's texts; refused at once with Overloaded when too much waits already.

        In bulk they go behind everything else, and wait instead. Raises
        InvalidInput naming the text at fault, also for one over the model's
        window where those are refused, NotFound for a model that is not
        served, and what the engine raises.
        """
        check_texts(texts)
        engine = self._engines.engine(model_id)
        lane, when_full = (Lane.BACKFILL, WhenFull.WAIT) if bulk else (LANES[kind], WhenFull.REFUSE)
        return await self._embed(engine, texts, kind, lane=lane, when_full=when_full, deadline=deadline)

    async def embed_part(self, part: DocumentChunked) -> DocumentEmbedded:
        """A part of a document, with its vectors, in the lane that it came by; one without chunks passes through.

        A deletion is told the model, for an index that has no vector yet. Waits
        while the lane is full. Raises Transient when that takes too long.
        """
        if part.provenance.outcome is Outcome.DELETED:
            card = self._engines.engine("").card
            return DocumentEmbedded(part, (), card.model_id, card.dimension)
        if not part.chunks:
            return DocumentEmbedded(part)
        texts = [embedding_text(part.info.title, chunk.heading_path, chunk.text) for chunk in part.chunks]
        deadline = Deadline.after(self._clock, self._part_seconds)
        lane = PART_LANES[part.provenance.lane]
        engine = self._engines.engine("")
        embedded = await self._embed(
            engine, texts, TextKind.PASSAGE, lane=lane, when_full=WhenFull.WAIT, deadline=deadline
        )
        crash_point("embed.embedded")
        vectors = tuple(each.vector for each in embedded.embeddings)
        return DocumentEmbedded(part, vectors, embedded.model_id, embedded.dimension)

    def reject_part(self, part: DocumentChunked, error: HeadwaterError) -> DocumentEmbedded:
        """The marker that stands for a part that cannot be embedded, so that the index does not wait for it."""
        provenance = dataclasses.replace(part.provenance, outcome=Outcome.REJECTED, reason=error.reason)
        return DocumentEmbedded(dataclasses.replace(part, provenance=provenance, chunks=()))

    async def _embed(
        self,
        engine: Engine,
        texts: Sequence[str],
        kind: TextKind,
        *,
        lane: Lane,
        when_full: WhenFull,
        deadline: Deadline,
    ) -> Embedded:
        card = engine.card
        inputs = [model_input(text, kind, card) for text in texts]
        keys = [cache_key(card.model_id, text) for text in inputs]
        by_key = dict(zip(keys, inputs, strict=True))

        async def make(wanted: Collection[tuple[Lane, str]]) -> Mapping[tuple[Lane, str], Embedding]:
            missing = {key: by_key[key] for _, key in wanted}
            made = await self._find_or_encode(engine, missing, lane=lane, when_full=when_full, deadline=deadline)
            return {(lane, key): embedding for key, embedding in made.items()}

        # By lane, so that a text that somebody waits for is never held up by its twin in the backfill.
        found = await self._flights.values([(lane, key) for key in by_key], make, deadline)
        embedded = Embedded(card.model_id, card.dimension, tuple(found[lane, key] for key in keys))
        if embedded.truncated and self._overlong is Overlong.REFUSE:
            raise InvalidInput(
                f"the text is longer than the {card.max_tokens} tokens of {card.name}: cut it",
                field=f"texts[{embedded.truncated[0]}]",
                reason="OVERLONG",
            )
        return embedded

    async def _find_or_encode(
        self, engine: Engine, inputs: Mapping[str, str], *, lane: Lane, when_full: WhenFull, deadline: Deadline
    ) -> Mapping[str, Embedding]:
        cache = self._query_cache if lane is Lane.QUERY else self._cache
        found = await cache.get_many(inputs.keys())
        missing = {key: text for key, text in inputs.items() if key not in found}
        if not missing:
            return found
        encoded = await engine.embed(tuple(missing.values()), lane, when_full, deadline)
        made = dict(zip(missing, encoded, strict=True))
        await cache.put_many(made)
        return {**found, **made}


class Reranking:
    """Reranks passages for a query, where there is a model for it."""

    def __init__(self, engine: RerankEngine | None) -> None:
        self._engine = engine

    async def rerank(self, query: str, passages: Sequence[str], deadline: Deadline) -> Reranked:
        """How well each passage answers the query.

        Raises InvalidInput naming the field, NotFound where no reranker is set,
        and what the engine raises.
        """
        check_pairs(query, passages)
        if self._engine is None:
            raise NotFound("no reranker is set: name one by HEADWATER_RERANKER")
        scores = await self._engine.score(query, passages, deadline)
        return Reranked(self._engine.card.model_id, tuple(scores))


def check_pairs(query: str, passages: Sequence[str]) -> None:
    """Raises InvalidInput, naming the field, for an empty or overlong query, and for too many or overlong passages."""
    if not query.strip():
        raise InvalidInput("the query is empty: say what to look for", field="query", reason="EMPTY_TEXT")
    if len(query) > MAX_QUERY_CHARACTERS:
        message = f"the query has {len(query)} characters, over {MAX_QUERY_CHARACTERS}: cut it"
        raise InvalidInput(message, field="query", reason="TOO_LARGE")
    if not 1 <= len(passages) <= MAX_PASSAGES:
        message = f"send 1 to {MAX_PASSAGES} passages at once, not {len(passages)}"
        raise InvalidInput(message, field="passages", reason="TEXT_COUNT")
    for place, passage in enumerate(passages):
        if len(passage) > MAX_TEXT_CHARACTERS:
            message = f"the passage has {len(passage)} characters, over {MAX_TEXT_CHARACTERS}: cut it"
            raise InvalidInput(message, field=f"passages[{place}]", reason="TOO_LARGE")


def check_texts(texts: Sequence[str]) -> None:
    """Raises InvalidInput, naming the field, unless there are 1 to 256 texts of 1 to 100,000 characters."""
    if not 1 <= len(texts) <= MAX_TEXTS:
        raise InvalidInput(f"send 1 to {MAX_TEXTS} texts at once, not {len(texts)}", field="texts", reason="TEXT_COUNT")
    for place, text in enumerate(texts):
        if not text.strip():
            raise InvalidInput("the text is empty: leave it out", field=f"texts[{place}]", reason="EMPTY_TEXT")
        if len(text) > MAX_TEXT_CHARACTERS:
            raise InvalidInput(
                f"the text has {len(text)} characters, over {MAX_TEXT_CHARACTERS}: cut it",
                field=f"texts[{place}]",
                reason="TOO_LARGE",
            )
