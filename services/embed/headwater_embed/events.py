"""Chunks in, embeddings out, of either lane: a thin twin of `rpc` over the same handlers."""

from collections.abc import Mapping, Sequence

from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.reindexes import ReindexRecords
from headwater_kit.bus.topics import CHUNKS, CHUNKS_BACKFILL, EMBEDDINGS, EMBEDDINGS_BACKFILL
from headwater_kit.codec import events
from headwater_kit.codec.headers import POSITION
from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import document_of, part_key
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import DocumentChunked

from headwater_embed.domain import served_models
from headwater_embed.handlers import Embedder
from headwater_embed.ports import Engines

UNDECODABLE = "UNDECODABLE"
INTO: Mapping[str, str] = {CHUNKS.name: EMBEDDINGS.name, CHUNKS_BACKFILL.name: EMBEDDINGS_BACKFILL.name}


class EmbedChunks:
    """The RecordHandler of a lane's chunks: one record gives one, in the same partition of the lane's embeddings."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """The part with its vectors; a null value takes a part away and passes on as it is."""
        if record.value is None:
            crash_point("embed.part_gone")
            return (_output(record, None),)
        embedded = await self._embedder.embed_part(_part(record))
        return (_output(record, events.encode_embedded(embedded, record.value)),)

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """A marker in the part's place, which takes nobody else's."""
        if error.reason == UNDECODABLE:
            return ()  # there is no telling which document it was about
        rejected = events.encode(self._embedder.reject_part(_part(record), error))
        key = part_key(document_of(record.key), None)
        return (Outbound(INTO[record.topic], key, rejected, partition=record.partition),)

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition."""

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition."""


class ReindexedModels:
    """Serves the models that `reindexes.v1` speaks of."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._records = ReindexRecords()

    def apply(self, record: Record) -> None:
        """Takes a record in. Raises InvalidInput."""
        self._records.apply(record)
        self._engines.serve(*served_models(self._records.wish, self._records.report))


def _part(record: Record) -> DocumentChunked:
    return events.decode(DocumentChunked, record.value or b"")


def _output(record: Record, value: bytes | None) -> Outbound:
    headers = {POSITION: record.headers[POSITION]} if POSITION in record.headers else {}
    return Outbound(INTO[record.topic], record.key, value, headers, partition=record.partition)
