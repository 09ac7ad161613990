"""The entrances by event: `documents.v1`, and the backfill lane before it."""

from headwater_ingest.events.backfill import BackfillEvents
from headwater_ingest.events.decoding import DocumentNames, document_bytes
from headwater_ingest.events.handler import DocumentEvents

__all__ = ["BackfillEvents", "DocumentEvents", "DocumentNames", "document_bytes"]
