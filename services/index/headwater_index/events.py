"""`embeddings.v1` in, `indexed.v1` out: a thin twin of `rpc` over the same handlers."""

from collections.abc import Sequence

from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import INDEXED
from headwater_kit.codec import events
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import DocumentEmbedded, DocumentIndexed, Outcome
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import counter, histogram

from headwater_index.handlers import Indexer

UNDECODABLE = "UNDECODABLE"
_VISIBLE = (Outcome.UPSERTED, Outcome.DELETED)


class IndexEmbeddings:
    """The RecordHandler of `embeddings.v1`: an event's last part gives one record, in the same partition."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """Applies the part."""
        key = DocumentKey.from_bytes(record.key)
        return _outputs(record, await self._indexer.apply(key, _part(record)))

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """The marker of a part that is put aside, where it says which event it was of."""
        if error.reason == UNDECODABLE or not record.key:
            return ()
        return _outputs(record, self._indexer.reject(_part(record), error))

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition: the store's ledger is asked each time."""

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing is kept by partition."""


def _part(record: Record) -> DocumentEmbedded:
    return events.decode(DocumentEmbedded, record.value or b"")


def _outputs(record: Record, indexed: DocumentIndexed | None) -> Sequence[Outbound]:
    if indexed is None:
        return ()
    outcome = indexed.provenance.outcome
    counter(names.INDEX_DOCUMENTS).add(1, {names.INDEX_OUTCOME: outcome.value})
    if outcome in _VISIBLE:
        delay = max(0.0, indexed.index_time - indexed.provenance.produce_time)
        histogram(names.INDEX_SEARCHABLE_DELAY).record(delay, {names.INDEX_OUTCOME: outcome.value})
    return (Outbound(INDEXED.name, record.key, events.encode(indexed), partition=record.partition),)
