"""The entrances by event: `documents.v1`, and the backfill lane before it."""

from headwater_ingest.events.backfill import BackfillEvents
from headwater_ingest.events.decoding import document_bytes
from headwater_ingest.events.handler import DocumentEvents, document_order

__all__ = ["BackfillEvents", "DocumentEvents", "document_bytes", "document_order"]
