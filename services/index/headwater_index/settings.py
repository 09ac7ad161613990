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
