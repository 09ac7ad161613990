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
    feedback_min_users: int = Field(
        default=1,
        ge=1,
        description="users who must have voted on a passage before it moves; 1 lets whoever is alone on a laptop "
        "teach, where there are many it should be 3 or more",
    )
    feedback_half_life_days: float = Field(
        default=180.0,
        gt=0,
        description="age at which a vote has lost half of its weight, by the tenant's newest, in days",
    )
    feedback_user_reactions_per_minute: int = Field(
        default=30,
        ge=0,
        description="reactions of one user within a minute that count; more are put aside. 0: any number",
    )
    feedback_burst_users_per_hour: int = Field(
        default=20,
        ge=0,
        description="newcomers who may vote for, or against, one document within an hour while they are most of the "
        "newcomers there are; with more, none of them has a say until trusted. 0: any number",
    )
    feedback_gate_alpha: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        description="probability with which the gate may let a model past the comparison of lists that is no better",
    )
    feedback_gate_drawn_lists: int = Field(
        default=100, ge=20, description="lists in drawn order that are needed before a ranker is shown to anybody"
    )
    feedback_gate_interleaved_lists: int = Field(
        default=2_000, ge=20, description="judged lists after which a model that is not shown to be better is given up"
    )
    feedback_gate_canary_share: float = Field(
        default=0.1, gt=0, le=0.5, description="share of the traffic that a model has at first, 0 to 0.5"
    )
    feedback_gate_canary_lists: int = Field(
        default=200, ge=20, description="lists that a model orders in its share of the traffic before it has all of it"
    )
    feedback_ranker_lists: int = Field(
        default=200,
        gt=0,
        description="closed lists of the learn bucket after which a ranker is offered, again and again",
    )
    feedback_adapter_lists: int = Field(
        default=500,
        gt=0,
        description="closed lists after which adapters of question vectors are offered, again and again",
    )
    feedback_bandit_rewards: int = Field(
        default=50, gt=0, description="rewards after which it is offered how a bandit's arms did, again and again"
    )
