"""What ingest writes for a record of `documents.v1`.

All of it goes to the record's own partition number, so that the chain's records
keep the order of the log and the index's position is a watermark.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from headwater_kit.bus.ports import Ack, Headers, Outbound, Record
from headwater_kit.bus.topics import CHUNKS, CHUNKS_BACKFILL, DOCUMENTS, LEDGER
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import ORIGIN, POSITION, position_to_header
from headwater_kit.codec.origins import origin_to_header
from headwater_kit.core.documents import DocumentKey, Lane, Position, part_key
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import DocumentChunked, LedgerEntry, Outcome, Provenance
from headwater_kit.core.tenants import NO_DOCUMENT_TENANT

from headwater_ingest.domain.parts import left_over
from headwater_ingest.events.decoding import origin_of, origin_or_place
from headwater_ingest.handlers import Applied

CHUNKS_OF = {Lane.LIVE: CHUNKS.name, Lane.BACKFILL: CHUNKS_BACKFILL.name}


def applied(record: Record, key: DocumentKey, outcome: Applied) -> Sequence[Outbound]:
    """An event's parts in its lane's topic, what they leave over of the version before, then its ledger entry.

    In the backfill lane, a marker in the live topic stands for them.
    """
    entry = outcome.entry
    if entry is None:
        return (_marker(record, key, outcome.parts[0].provenance),)
    outputs = [_part(record, key, part) for part in outcome.parts]
    outputs += _left_over(record, key, entry)
    if entry.parts.lane is Lane.BACKFILL:
        provenance = replace(outcome.parts[0].provenance, outcome=Outcome.DEFERRED, lane=Lane.LIVE)
        outputs.append(_marker(record, key, provenance))
    outputs.append(Outbound(LEDGER.name, key.to_bytes(), encode(entry), partition=record.partition))
    return outputs


def rejected(record: Record, key: DocumentKey | None, error: HeadwaterError) -> Outbound:
    """The marker of a record that is put aside."""
    key = key or _no_document(record)
    return _marker(record, key, _provenance(record, Outcome.REJECTED, error.reason))


def erased(record: Record) -> Outbound:
    """The marker of a write in the name of a tenant that was erased; it names neither."""
    return _marker(record, _no_document(record), _provenance(record, Outcome.STALE))


def again(record: Record, key: DocumentKey, partition: int) -> Outbound:
    """The record again, for the partition of its document."""
    headers = {**record.headers, ORIGIN: origin_to_header(origin_of(record))}
    return Outbound(DOCUMENTS.name, key.to_bytes(), record.value, headers, partition=partition)


def rerouted(record: Record, key: DocumentKey, ack: Ack) -> Outbound:
    """The marker of where a record stood that was sent on; it says where to."""
    moved_to = Position(ack.partition, ack.offset)
    return _marker(record, key, replace(_provenance(record, Outcome.REROUTED), moved_to=moved_to))


def _part(record: Record, key: DocumentKey, part: DocumentChunked) -> Outbound:
    headers: Headers = {}
    if part.is_last:
        headers = {POSITION: position_to_header(part.provenance.position, part.provenance.version)}
    topic = CHUNKS_OF[part.provenance.lane]
    return Outbound(topic, part_key(key, part.part), encode(part), headers, partition=record.partition)


def _left_over(record: Record, key: DocumentKey, entry: LedgerEntry) -> Iterator[Outbound]:
    for part in left_over(entry):
        yield Outbound(CHUNKS_OF[entry.replaced.lane], part_key(key, part), None, partition=record.partition)


def _no_document(record: Record) -> DocumentKey:
    """A key for the marker of a record that names no document: `indexed.v1` is compacted, and bears none without."""
    return DocumentKey(NO_DOCUMENT_TENANT, str(record.partition))


def _marker(record: Record, key: DocumentKey, provenance: Provenance) -> Outbound:
    value = encode(DocumentChunked(provenance))
    return Outbound(CHUNKS.name, part_key(key, None), value, partition=record.partition)


def _provenance(record: Record, outcome: Outcome, reason: str = "") -> Provenance:
    produce_time = origin_or_place(record).produce_time
    return Provenance(Position(record.partition, record.offset), produce_time, outcome, reason=reason)
