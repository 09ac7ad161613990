"""What the command reads from its environment, once."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from headwater_inference.registry import known
from headwater_inference.settings import ModelSettings
from headwater_kit.settings import BesideSettings, MilvusSettings, Settings
from headwater_kit.settings.access import TRUSTING
from headwater_kit.settings.audit import AuditKeySettings
from headwater_kit.settings.kafka import KafkaSettings
from headwater_kit.settings.pseudonyms import PseudonymKeySettings
from pydantic import Field


class PlatformSettings(
    AuditKeySettings, BesideSettings, PseudonymKeySettings, KafkaSettings, MilvusSettings, ModelSettings, Settings
):
    """Settings of the laptop platform; whatever else the services read is passed through to them."""

    data_dir: Path | None = Field(
        default=None, description="folder of the platform's data; unset means the user's data folder"
    )
    start_seconds: float = Field(
        default=90.0, gt=0, description="time for each of broker, store and services to become usable"
    )
    java_home: Path | None = Field(
        default=None,
        validation_alias="JAVA_HOME",
        description="Java that runs the broker, 17 or later; unset means the packaged one",
    )

    trace_file_mb: int = Field(
        default=16,
        ge=0,
        le=1024,
        description="spans that each service keeps for `headwater trace`, in MiB; 0 keeps none",
    )
    trace_api: str = Field(
        default="",
        pattern=r"^(https?://.*\{trace_id\}.*)?$",
        description="URL that gives a trace as OTLP/JSON, {trace_id} in the place of its id, such as Jaeger's "
        "http://HOST:16686/api/v3/traces/{trace_id} or Tempo's http://HOST:3200/api/v2/traces/{trace_id}; "
        "empty: the platform's own files",
    )
    observe: bool = Field(default=False, description="whether Prometheus runs beside the platform, where there is one")
    auth: str = Field(
        default=TRUSTING,
        description="credentials that the services take; anything but insecure-metadata makes them keys for each other",
    )

    def with_encoders(self, model: str, beside: Sequence[str]) -> Self:
        """The same with these encoders, where any are named. Raises Misconfigured for a name that nobody knows."""
        registry = known(self.model_store().root)
        named = {
            "encoder": model and registry.get(model).name,
            "encoders_beside": ",".join(registry.get(name).name for name in beside),
        }
        return self.model_copy(update={field: said for field, said in named.items() if said})

    @property
    def own_broker(self) -> bool:
        """Whether the platform starts a broker, because none is named."""
        return "kafka_bootstrap" not in self.model_fields_set

    @property
    def own_store(self) -> bool:
        """Whether the platform starts a store, because none is named."""
        return "milvus_uri" not in self.model_fields_set


def inherited() -> Mapping[str, str]:
    """The environment that started programs inherit."""
    # Nine processes that compile their sources anew at each start take twice as long to be ready.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
