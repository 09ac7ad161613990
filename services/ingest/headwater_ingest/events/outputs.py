"""What ingest writes for a record of `documents.v1`.

All of it goes to the record's own partition number, so that the chain's records
keep the order of the log and the index's position is a watermark.
"""

from collections.abc import Sequence

from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS, LEDGER
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import DocumentKey, Position
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import DocumentChunked, Outcome, Provenance

from headwater_ingest.domain.versions import MILLISECONDS
from headwater_ingest.events.decoding import PRODUCE_TIME_MS, REROUTED, produce_time
from headwater_ingest.handlers import Applied

# Markers of records whose key names no document need a key all the same: `indexed.v1` is
# compacted. A tenant of their own keeps them away from every document.
NO_DOCUMENT_TENANT = "headwater-no-document"


def applied(record: Record, key: DocumentKey, outcome: Applied) -> Sequence[Outbound]:
    """An event's parts, then its ledger entry."""
    name = key.to_bytes()
    outputs = [Outbound(CHUNKS.name, name, encode(part), partition=record.partition) for part in outcome.parts]
    if outcome.entry is not None:
        outputs.append(Outbound(LEDGER.name, name, encode(outcome.entry), partition=record.partition))
    return outputs


def rejected(record: Record, error: HeadwaterError) -> Outbound:
    """The marker of a record that is put aside."""
    try:
        key = DocumentKey.from_bytes(record.key)
    except HeadwaterError:
        key = DocumentKey(NO_DOCUMENT_TENANT, str(record.partition))
    return _marker(record, key, Outcome.REJECTED, error.reason)


def rerouted(record: Record, key: DocumentKey, partition: int) -> Sequence[Outbound]:
    """The record again, in the partition of its document, and the marker of where it stood."""
    headers = {
        **record.headers,
        REROUTED: f"{record.partition}:{record.offset}".encode(),
        PRODUCE_TIME_MS: str(round(produce_time(record) * MILLISECONDS)).encode(),
    }
    again = Outbound(DOCUMENTS.name, key.to_bytes(), record.value, headers, partition=partition)
    return (again, _marker(record, key, Outcome.REROUTED))


def _marker(record: Record, key: DocumentKey, outcome: Outcome, reason: str = "") -> Outbound:
    position = Position(record.partition, record.offset)
    provenance = Provenance(position, produce_time(record), outcome, reason=reason)
    return Outbound(CHUNKS.name, key.to_bytes(), encode(DocumentChunked(provenance)), partition=record.partition)
