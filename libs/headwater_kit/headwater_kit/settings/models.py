"""The keys by which learned models are known."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from headwater_kit.settings.base import ServiceSettings
from headwater_kit.settings.loopback import is_loopback


class ModelKeySettings(ServiceSettings):
    """What a service is told that serves learned models: `class Settings(ModelKeySettings, …)`."""

    model_keys: Path | None = Field(
        default=None,
        description="folder with the public Ed25519 keys, as PEM, of those whose learned models are served; unset: "
        "they are served whoever wrote them to models.v1",
    )

    @model_validator(mode="after")
    def _check_model_keys(self) -> Self:
        if self.model_keys is None and not self.allow_insecure_bind and not is_loopback(self.grpc_host):
            raise ValueError(
                f"HEADWATER_GRPC_HOST={self.grpc_host} is open to the network, and models are served whoever wrote "
                "them: set HEADWATER_MODEL_KEYS, or HEADWATER_ALLOW_INSECURE_BIND=true"
            )
        return self


class ModelSigningSettings(ModelKeySettings):
    """What the service is told that publishes them."""

    model_key: Path | None = Field(
        default=None,
        description="PEM of the Ed25519 key by which learned models are signed; unset: they are published unsigned",
    )
