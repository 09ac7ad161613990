"""The document events ↔ `headwater.events.v1`: from a write to the index."""

from headwater.events.v1 import events_pb2 as pb

from headwater_kit.codec.documents import (
    chunk_from_proto,
    chunk_to_proto,
    info_from_proto,
    info_to_proto,
    position_from_proto,
    position_to_proto,
)
from headwater_kit.codec.enums import LANES, OUTCOMES
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.documents import Lane, ObjectReference, Origin
from headwater_kit.core.events import (
    DocumentChunked,
    DocumentEmbedded,
    DocumentIndexed,
    DocumentUpserted,
    LedgerEntry,
    Parts,
    Provenance,
)


def upserted_to_proto(event: DocumentUpserted) -> pb.DocumentUpserted:
    """A write."""
    body_object = object_to_proto(event.body_object) if event.body_object else None
    return pb.DocumentUpserted(
        info=info_to_proto(event.info), body=event.body, version=event.version, body_object=body_object
    )


def upserted_from_proto(message: pb.DocumentUpserted) -> DocumentUpserted:
    """A write; an unset version is None."""
    version = message.version if message.HasField("version") else None
    body_object = object_from_proto(message.body_object) if message.HasField("body_object") else None
    return DocumentUpserted(info_from_proto(message.info), message.body, version, body_object)


def object_to_proto(reference: ObjectReference) -> pb.ObjectReference:
    """Where a body lies."""
    return pb.ObjectReference(name=reference.name, size_bytes=reference.size_bytes, sha256=reference.sha256)


def object_from_proto(message: pb.ObjectReference) -> ObjectReference:
    """Where a body lies."""
    return ObjectReference(message.name, message.size_bytes, message.sha256)


def origin_to_proto(origin: Origin) -> pb.Origin:
    """Where an event first stood."""
    return pb.Origin(
        topic=origin.topic,
        position=position_to_proto(origin.position),
        produce_time=time_to_proto(origin.produce_time),
    )


def origin_from_proto(message: pb.Origin) -> Origin:
    """Where an event first stood. Raises InvalidInput."""
    return Origin(message.topic, position_from_proto(message.position), time_from_proto(message.produce_time))


def provenance_to_proto(provenance: Provenance) -> pb.Provenance:
    """The event behind a record."""
    return pb.Provenance(
        position=position_to_proto(provenance.position),
        produce_time=time_to_proto(provenance.produce_time),
        outcome=OUTCOMES.to_proto(provenance.outcome),
        version=provenance.version,
        reason=provenance.reason,
        lane=LANES.to_proto(provenance.lane),
        moved_to=position_to_proto(provenance.moved_to) if provenance.moved_to else None,
    )


def provenance_from_proto(message: pb.Provenance) -> Provenance:
    """The event behind a record; an unset lane is the live one. Raises InvalidInput for an unset outcome."""
    return Provenance(
        position=position_from_proto(message.position),
        produce_time=time_from_proto(message.produce_time),
        outcome=OUTCOMES.from_proto(message.outcome, "provenance.outcome"),
        version=message.version,
        reason=message.reason,
        lane=lane_from_proto(message.lane, "provenance.lane"),
        moved_to=position_from_proto(message.moved_to) if message.HasField("moved_to") else None,
    )


def lane_from_proto(lane: int, field: str) -> Lane:
    """A lane; unset means live. Raises InvalidInput."""
    return LANES.from_proto(lane, field) if lane else Lane.LIVE


def chunked_to_proto(event: DocumentChunked) -> pb.DocumentChunked:
    """A part of a version, cut."""
    return pb.DocumentChunked(
        provenance=provenance_to_proto(event.provenance),
        info=info_to_proto(event.info),
        part=event.part,
        parts=event.parts,
        chunk_count=event.chunk_count,
        chunks=[chunk_to_proto(chunk) for chunk in event.chunks],
    )


def chunked_from_proto(message: pb.DocumentChunked) -> DocumentChunked:
    """A part of a version, cut. Raises InvalidInput."""
    return DocumentChunked(
        provenance=provenance_from_proto(message.provenance),
        info=info_from_proto(message.info),
        part=message.part,
        parts=message.parts,
        chunk_count=message.chunk_count,
        chunks=tuple(chunk_from_proto(chunk) for chunk in message.chunks),
    )


def embedded_to_proto(event: DocumentEmbedded) -> pb.DocumentEmbedded:
    """A part with its vectors."""
    return pb.DocumentEmbedded(
        chunked=chunked_to_proto(event.chunked),
        vectors=event.vectors,
        model_id=event.model_id,
        dimension=event.dimension,
    )


def embedded_from_proto(message: pb.DocumentEmbedded) -> DocumentEmbedded:
    """A part with its vectors. Raises InvalidInput."""
    chunked = chunked_from_proto(message.chunked)
    return DocumentEmbedded(chunked, tuple(message.vectors), message.model_id, message.dimension)


def indexed_to_proto(event: DocumentIndexed) -> pb.DocumentIndexed:
    """An event as applied by the index."""
    return pb.DocumentIndexed(
        provenance=provenance_to_proto(event.provenance),
        index_time=time_to_proto(event.index_time),
        serving_version=event.serving_version,
        chunk_count=event.chunk_count,
        model_id=event.model_id,
    )


def indexed_from_proto(message: pb.DocumentIndexed) -> DocumentIndexed:
    """An event as applied by the index. Raises InvalidInput."""
    return DocumentIndexed(
        provenance=provenance_from_proto(message.provenance),
        index_time=time_from_proto(message.index_time),
        serving_version=message.serving_version,
        chunk_count=message.chunk_count,
        model_id=message.model_id,
    )


def ledger_to_proto(entry: LedgerEntry) -> pb.LedgerEntry:
    """A document's last accepted version."""
    return pb.LedgerEntry(
        version=entry.version,
        deleted=entry.deleted,
        position=position_to_proto(entry.position),
        produce_time=time_to_proto(entry.produce_time),
        info=info_to_proto(entry.info),
        chunk_count=entry.chunk_count,
        origin=origin_to_proto(entry.origin) if entry.origin else None,
        parts=parts_to_proto(entry.parts),
        replaced=parts_to_proto(entry.replaced),
    )


def ledger_from_proto(message: pb.LedgerEntry) -> LedgerEntry:
    """A document's last accepted version. Raises InvalidInput."""
    return LedgerEntry(
        version=message.version,
        deleted=message.deleted,
        position=position_from_proto(message.position),
        produce_time=time_from_proto(message.produce_time),
        info=info_from_proto(message.info),
        chunk_count=message.chunk_count,
        origin=origin_from_proto(message.origin) if message.HasField("origin") else None,
        parts=parts_from_proto(message.parts),
        replaced=parts_from_proto(message.replaced),
    )


def parts_to_proto(parts: Parts) -> pb.Parts:
    """Where a version's parts lie."""
    return pb.Parts(lane=LANES.to_proto(parts.lane), count=parts.count)


def parts_from_proto(message: pb.Parts) -> Parts:
    """Where a version's parts lie. Raises InvalidInput."""
    return Parts(lane_from_proto(message.lane, "parts.lane"), message.count)
