"""Cutting in processes of their own, so that no document can stop, starve or crash the service."""

from headwater_ingest.adapters.jail.frames import JailTerms
from headwater_ingest.adapters.jail.pool import JailedCutter

__all__ = ["JailTerms", "JailedCutter"]
