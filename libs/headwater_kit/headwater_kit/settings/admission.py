"""Which tenants the records of a topic may name."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings

WrittenTopic = Literal["documents.v1", "documents.backfill.v1", "questions.v1", "feedback.v1"]


class TopicTenantsSetting(BaseModel):
    """What holds for a topic."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenants: tuple[str, ...] = ("*",)
    header: bool = False


class KafkaTenantSettings(BaseSettings):
    """The table, for the services that read what others write.

    `class Settings(KafkaTenantSettings, ServiceSettings)`.
    """

    kafka_tenants: dict[WrittenTopic, TopicTenantsSetting] = Field(
        default={},
        description='which tenants the records of a topic may name, as {"questions.v1": {"tenants": ["acme"]}, '
        '"documents.v1": {"header": true}}; with header, a record\'s header headwater-tenant names its tenant, which '
        "counts nowhere else. Others are put aside with reason TENANT_REFUSED. In topics that are not named: any "
        "tenant, by key or field",
    )
