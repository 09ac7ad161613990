"""How many calls each tenant may make."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.quotas import Quotas


class QuotaSettings(BaseSettings):
    """The quotas; part of every service's settings."""

    quotas: dict[str, dict[str, str]] = Field(
        default={},
        description='calls that a tenant may make of each process, by group, as {"*": {"search": "50/s burst 100"}, '
        '"acme": {"search": "unlimited", "write": "600/min"}}; * stands for tenants that are not named, the groups are '
        "search, answer, write, read, feedback, operate, embed, check; more are refused with RESOURCE_EXHAUSTED. "
        "Empty: no limits",
    )

    @field_validator("quotas")
    @classmethod
    def _check_quotas(cls, table: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        try:
            Quotas.parse(table)
        except InvalidInput as error:
            raise ValueError(error.message) from None
        return table

    def quota_table(self) -> Quotas:
        """The setting, read."""
        return Quotas.parse(self.quotas)
