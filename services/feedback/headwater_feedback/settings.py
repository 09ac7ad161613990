"""What feedback can be told."""

from typing import ClassVar

from headwater_kit.settings import KafkaTenantSettings, ModelSigningSettings, PseudonymSettings
from pydantic import Field


class Settings(KafkaTenantSettings, ModelSigningSettings, PseudonymSettings):
    """Settings of the feedback service."""

    service: ClassVar[str] = "feedback"

    feedback_close_seconds: float = Field(
        default=30 * 60.0, gt=0, description="time from a list's being shown until what was made of it is an example"
    )
    feedback_amend_seconds: float = Field(
        default=24 * 60 * 60.0, gt=0, description="time from a list's being shown for which reactions to it count"
    )
    feedback_expire_seconds: float = Field(
        default=5.0, gt=0, description="how often lists are looked through for those to close or let go, in seconds"
    )
    feedback_idle_seconds: float = Field(
        default=5.0,
        gt=0,
        description="a partition that brings no record for so long is read to its end: lists are closed by the clock",
    )
    feedback_max_lists: int = Field(
        default=50_000,
        gt=0,
        description="lists that a process keeps to be joined; of more the oldest are closed early, for good",
    )
    feedback_max_per_minute: int = Field(
        default=300, gt=0, description="reactions of a user that count in a minute; more are refused as a flood"
    )
    feedback_unreacted_share: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="share of the lists that nobody reacted to that are learned from; those that explore always are",
    )
