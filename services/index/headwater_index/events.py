"""`embeddings.v1` and its backfill twin in, `indexed.v1` out: a thin twin of `rpc` over the same handlers."""

import asyncio
from collections.abc import Sequence

from headwater_kit.bus.ports import Outbound, Record, TopicPartition
from headwater_kit.bus.topics import EMBEDDINGS, INDEXED
from headwater_kit.codec import events
from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import DocumentKey, Lane, document_of, part_key
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import DocumentEmbedded, DocumentIndexed, Outcome
from headwater_kit.core.tenants import TenantClasses
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import counter, histogram

from headwater_index.handlers.indexing import Indexer
from headwater_index.handlers.lead import Lead

UNDECODABLE = "UNDECODABLE"
# Of all processes of index, just one has this partition.
LEADING = TopicPartition(EMBEDDINGS.name, 0)
_VISIBLE = (Outcome.UPSERTED, Outcome.DELETED)


class IndexEmbeddings:
    """The RecordHandler of both lanes' embeddings: an event's last part gives one record, in the same partition."""

    def __init__(self, indexer: Indexer, classes: TenantClasses, lead: Lead) -> None:
        self._indexer = indexer
        self._classes = classes
        self._lead = lead

    async def handle(self, record: Record) -> Sequence[Outbound]:
        """Applies the part. A null value only takes an older part out of the topic: it is no event."""
        key = document_of(record.key)
        if record.value is None:
            return ()
        # What is begun in the store is brought to its end, also where the partition is lost meanwhile: a process that
        # stood still may have written what nobody else knows of, and has to take it away again.
        indexed = await asyncio.shield(self._indexer.apply(key, _part(record)))
        crash_point("index.announcing")
        return self._outputs(record, key, indexed)

    def reject(self, record: Record, error: HeadwaterError) -> Sequence[Outbound]:
        """The marker of a part that is put aside, where it says which event it was of."""
        if error.reason == UNDECODABLE or not record.key or record.value is None:
            return ()
        return self._outputs(record, document_of(record.key), self._indexer.reject(_part(record), error))

    async def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """The first partition brings the lead; else nothing is kept by partition."""
        if LEADING in partitions:
            self._lead.is_held = True

    async def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """The lead goes with its partition."""
        if LEADING in partitions:
            self._lead.is_held = False

    def _outputs(self, record: Record, key: DocumentKey, indexed: DocumentIndexed | None) -> Sequence[Outbound]:
        if indexed is None:
            return ()
        self._measure(key, indexed)
        return (
            Outbound(INDEXED.name, _announced_by(key, indexed), events.encode(indexed), partition=record.partition),
        )

    def _measure(self, key: DocumentKey, indexed: DocumentIndexed) -> None:
        provenance = indexed.provenance
        outcome = {names.INDEX_OUTCOME: provenance.outcome.value}
        counter(names.INDEX_DOCUMENTS).add(1, outcome)
        if provenance.outcome in _VISIBLE:
            delay = max(0.0, indexed.index_time - provenance.produce_time)
            of = {names.LANE: provenance.lane.value, names.TENANT_CLASS: self._classes.of(key.tenant)}
            histogram(names.INDEX_SEARCHABLE_DELAY).record(delay, outcome | of)


def _announced_by(key: DocumentKey, indexed: DocumentIndexed) -> bytes:
    """The record's key. What the backfill lane announces must not compact away a live position: it is the watermark."""
    return part_key(key, None) if indexed.provenance.lane is Lane.BACKFILL else key.to_bytes()


def _part(record: Record) -> DocumentEmbedded:
    return events.decode(DocumentEmbedded, record.value or b"")
