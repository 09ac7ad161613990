"""Which tenants are told apart in measurements."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.tenants import TenantClasses


class TenantSettings(BaseSettings):
    """The classes of tenants, for the services that measure by them.

    `class Settings(TenantSettings, ServiceSettings)`.
    """

    tenant_classes: str = Field(
        default="",
        description="classes that delays are measured by, as gold=acme,globex;silver=initech; at most 16, all other "
        "tenants are of class default",
    )

    @field_validator("tenant_classes")
    @classmethod
    def _check_classes(cls, text: str) -> str:
        try:
            TenantClasses.parse(text)
        except InvalidInput as error:
            raise ValueError(error.message) from None
        return text

    def classes(self) -> TenantClasses:
        """The setting, read."""
        return TenantClasses.parse(self.tenant_classes)
