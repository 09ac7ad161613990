"""How to reach the vector store."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class MilvusSettings(BaseSettings):
    """The store's address and credentials, for the services that use it.

    `class Settings(MilvusSettings, ServiceSettings)`.
    """

    vectors: str = Field(default="milvus", description="vector store adapter: milvus, or memory for tests")
    milvus_uri: str = Field(
        default="http://127.0.0.1:19530", min_length=1, description="Milvus address; https:// uses TLS"
    )
    milvus_token: SecretStr = Field(default=SecretStr(""), description="Milvus token, user:password or API key")
    milvus_isolation: Literal["shared", "collection", "database"] = Field(
        default="shared",
        description="what keeps tenants apart in Milvus, beside the filter of every search: shared (nothing else), "
        "collection (collections for each) or database (a database for each); a store keeps to what it was made with",
    )
    milvus_tls_ca: Path | None = Field(
        default=None, description="PEM of the authority of Milvus; unset means the system's authorities"
    )
