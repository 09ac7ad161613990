"""What is noted of calls."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class AuditKeySettings(BaseSettings):
    """The key of the chains, for those who write them and for those who verify them."""

    audit_key: SecretStr = Field(
        default=SecretStr(""),
        description="key of the audit chains' hashes, the same for all services and for who verifies them; without "
        "one, whoever can write to the topic can make a chain anew",
    )


class AuditSettings(AuditKeySettings):
    """The audit trail; part of every service's settings."""

    audit: Literal["off", "buffered", "acknowledged"] = Field(
        default="off",
        description="whether calls that read or write a tenant's data are noted on audit.v1: buffered, behind the "
        "answer, at most AUDIT_MAX_OUTSTANDING of them; acknowledged, before it",
    )
    audit_max_outstanding: int = Field(
        default=1_000,
        ge=16,
        description="audit records not yet acknowledged, those of calls under way included; calls beyond are refused",
    )
