"""The entrance by event: `documents.v1`."""

from headwater_ingest.events.handler import DocumentEvents

__all__ = ["DocumentEvents"]
