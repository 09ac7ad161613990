"""Python SDK for backends and producers: gRPC calls and Kafka events, with asyncio and without."""

from headwater_client.blocking import Client
from headwater_client.client import AsyncClient
from headwater_client.documents import Change, DocumentState, Stored
from headwater_client.events import deleted, upserted
from headwater_client.filter_text import format_filter, parse_filter
from headwater_client.questions import Progress, Reacted
from headwater_client.searching import Found, SearchRequest
from headwater_client.settings import ClientSettings
from headwater_client.tenants import DeletionProgress, DeletionStage, TenantRemains
from headwater_client.upkeep import (
    DocumentDrift,
    DriftKind,
    RebuildProgress,
    RebuildStage,
    ReconcileProgress,
    ReconcileStage,
    TenantDrift,
)
from headwater_client.users import Forgotten

__all__ = [
    "AsyncClient",
    "Change",
    "Client",
    "ClientSettings",
    "DeletionProgress",
    "DeletionStage",
    "DocumentDrift",
    "DocumentState",
    "DriftKind",
    "Forgotten",
    "Found",
    "Progress",
    "Reacted",
    "RebuildProgress",
    "RebuildStage",
    "ReconcileProgress",
    "ReconcileStage",
    "SearchRequest",
    "Stored",
    "TenantDrift",
    "TenantRemains",
    "deleted",
    "format_filter",
    "parse_filter",
    "upserted",
]
