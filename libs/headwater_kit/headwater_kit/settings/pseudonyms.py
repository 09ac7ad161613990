"""By which key users are told apart in what is learned from."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from headwater_kit.core.pseudonyms import MIN_KEY_BYTES, Pseudonyms
from headwater_kit.settings.base import ServiceSettings
from headwater_kit.settings.loopback import is_loopback


class PseudonymKeySettings(BaseSettings):
    """The key, for the services that need it and for who makes it for them."""

    pseudonym_key: SecretStr = Field(
        default=SecretStr(""),
        description=f"key of the pseudonyms that stand for users in impressions and in what is learned, at least "
        f"{MIN_KEY_BYTES} bytes, the same for retrieve and feedback; without one they name the users",
    )
    pseudonym_days: int = Field(
        default=90, ge=1, description="time after which users get other pseudonyms, in days; the same for both, too"
    )

    def pseudonyms(self) -> Pseudonyms:
        """The settings, read."""
        return Pseudonyms(self.pseudonym_key.get_secret_value().encode(), self.pseudonym_days)

    @field_validator("pseudonym_key")
    @classmethod
    def _check_length(cls, key: SecretStr) -> SecretStr:
        if 0 < len(key.get_secret_value().encode()) < MIN_KEY_BYTES:
            raise ValueError(f"can be guessed: give at least {MIN_KEY_BYTES} bytes, such as 32 digits of chance")
        return key


class PseudonymSettings(PseudonymKeySettings, ServiceSettings):
    """What the services that note what users were shown, and made of it, can be told of their names."""

    @model_validator(mode="after")
    def _check_pseudonym_key(self) -> Self:
        if not self.pseudonyms().is_on and not is_loopback(self.grpc_host) and not self.allow_insecure_bind:
            raise ValueError(
                "HEADWATER_PSEUDONYM_KEY is empty, so what users were shown is kept under their names: set it, the "
                "same for retrieve and feedback, or HEADWATER_ALLOW_INSECURE_BIND=true"
            )
        return self
