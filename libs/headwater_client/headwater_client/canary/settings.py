"""What the canary can be told."""

from typing import ClassVar

from headwater_kit.settings import ServiceSettings
from pydantic import Field

from headwater_client.settings import ClientSettings

# Beside those of the services (`settings.ports` of the kit).
GRPC_PORT = 7408
METRICS_PORT = 7508


class Settings(ClientSettings, ServiceSettings):
    """Settings of the canary; of the Kafka ones it uses none."""

    service: ClassVar[str] = "canary"

    grpc_port: int = Field(
        default=GRPC_PORT, ge=0, le=65535, description="port of its health checks; 0 takes a free one"
    )
    metrics_port: int = Field(
        default=METRICS_PORT, ge=0, le=65535, description="port of the Prometheus endpoint; 0 turns it off"
    )
    canary_every_seconds: float = Field(default=10.0, gt=0, description="time from one beat to the next")
    canary_timeout_seconds: float = Field(
        default=30.0, gt=0, description="time within which a search must find what was written"
    )
    canary_look_seconds: float = Field(
        default=0.05, gt=0, description="time between two searches for it; what is measured is as coarse as this"
    )
    canary_tenant: str = Field(
        default="canary", min_length=1, description="tenant that its documents are in; nothing else should be"
    )
    canary_name: str = Field(
        default="canary", min_length=1, description="begins the ids of its documents; two canaries need two names"
    )
