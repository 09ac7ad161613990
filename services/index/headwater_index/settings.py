"""What index can be told."""

from typing import ClassVar

from headwater_kit.settings import MilvusSettings, ServiceSettings, TenantSettings
from pydantic import Field


class Settings(TenantSettings, MilvusSettings, ServiceSettings):
    """Settings of the index service."""

    service: ClassVar[str] = "index"

    index_maintain_seconds: float = Field(
        default=1.0,
        gt=0,
        description="time between two maintenances of the store, which flush fresh rows where searching those is slow",
    )
    index_operator_tenant: str = Field(
        default="",
        description="tenant whose users may compare all tenants and rebuild; empty: nobody may, and users compare "
        "their own tenant only",
    )
    index_reconcile_seconds: float = Field(
        default=3600.0,
        ge=0,
        description="time between two comparisons of the store with the log in the background; 0: none",
    )
    index_reconcile_share: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="share of the time that a comparison in the background works; it rests for the others",
    )
    index_reconcile_repair: bool = Field(
        default=False, description="lets comparisons in the background repair what they find, not only show it"
    )
