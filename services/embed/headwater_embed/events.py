"""`chunks.v1` in, `embeddings.v1` out: a thin twin of `rpc` over the same handlers."""

from collections.abc import Sequence

from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import EMBEDDINGS
from headwater_kit.codec import events
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import DocumentChunked, DocumentEmbedded

from headwater_embed.handlers import Embedder

UNDECODABLE = "UNDECODABLE"


class EmbedChunks:
    """The RecordHandler of `chunks.v1`: one record gives one, in the same partition of `embeddings.v1`."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def handle(self, record: Record) -> Sequence[Outbound]:
        return (_output(record, await self._embedder.embed_part(_part(record))),)

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        if error.reason == UNDECODABLE:
            return ()  # there is no telling which document it was about
        return (_output(record, self._embedder.reject_part(_part(record), error)),)

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition."""

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition."""


def _part(record: Record) -> DocumentChunked:
    return events.decode(DocumentChunked, record.value or b"")


def _output(record: Record, embedded: DocumentEmbedded) -> Outbound:
    return Outbound(EMBEDDINGS.name, record.key, events.encode(embedded), partition=record.partition)
