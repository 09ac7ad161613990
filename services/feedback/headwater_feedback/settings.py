"""What feedback can be told."""

from typing import ClassVar

from headwater_kit.settings import KafkaTenantSettings, ModelSigningSettings
from pydantic import Field


class Settings(KafkaTenantSettings, ModelSigningSettings):
    """Settings of the feedback service."""

    service: ClassVar[str] = "feedback"

    feedback_expire_seconds: float = Field(
        default=60.0, gt=0, description="how often impressions too old to be joined are forgotten, in seconds"
    )
