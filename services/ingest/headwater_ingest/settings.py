"""What ingest can be told."""

import functools
from pathlib import Path
from typing import ClassVar, Self

from headwater_inference.settings import ModelSettings
from headwater_kit.settings import KafkaTenantSettings, ServiceSettings
from headwater_kit.settings.base import MIB
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from headwater_ingest.domain.chunking import ChunkPolicy

# What a window of 512 tokens leaves beside headings and special tokens.
MAX_CHUNK_TOKENS = 380


class ObjectSettings(BaseSettings):
    """Where bodies are kept that are too large for the log."""

    ingest_objects: str = Field(
        default="folder",
        pattern="^(folder|s3|memory|none)$",
        description="where bodies over INLINE_BYTES are kept that come by call: folder; s3, or what speaks its "
        "protocol; none, all bodies stay in the log; memory, for tests. Where ingest runs in more than one process or "
        "pod, all must see the same store: s3, none, or a shared folder",
    )
    ingest_inline_bytes: int = Field(
        default=MIB, ge=1024, le=32 * MIB, description="largest body that stays in the log, in bytes"
    )
    ingest_objects_folder: Path | None = Field(
        default=None, description="folder of large bodies; unset means objects in the data folder"
    )
    ingest_objects_keep_days: float = Field(
        default=3650.0,
        gt=0,
        le=36_500,
        description="days after which a large body goes; not fewer than documents.v1 keeps records, which is ten years",
    )
    ingest_s3_bucket: str = Field(default="", description="bucket of large bodies; needed for s3")
    ingest_s3_prefix: str = Field(default="headwater", description="path within the bucket that large bodies are under")
    ingest_s3_region: str = Field(default="us-east-1", min_length=1, description="region of the bucket")
    ingest_s3_endpoint: str = Field(
        default="", description="address of a store that speaks S3, such as https://minio:9000; empty: AWS"
    )
    ingest_s3_access_key_id: str = Field(
        default="", description="access key; empty: the credentials of the machine or the pod"
    )
    ingest_s3_secret_access_key: SecretStr = Field(default=SecretStr(""), description="secret of the access key")
    ingest_s3_allow_http: bool = Field(
        default=False, description="allows an endpoint without TLS, as behind a network policy"
    )

    @model_validator(mode="after")
    def _check_objects(self) -> Self:
        if self.ingest_objects == "s3" and not self.ingest_s3_bucket:
            raise ValueError("HEADWATER_INGEST_OBJECTS=s3 needs HEADWATER_INGEST_S3_BUCKET")
        if self.ingest_s3_endpoint.startswith("http://") and not self.ingest_s3_allow_http:
            raise ValueError("HEADWATER_INGEST_S3_ENDPOINT without TLS needs HEADWATER_INGEST_S3_ALLOW_HTTP=true")
        return self


class Settings(KafkaTenantSettings, ObjectSettings, ModelSettings, ServiceSettings):
    """Settings of the ingest service."""

    service: ClassVar[str] = "ingest"

    ingest_max_document_bytes: int = Field(
        default=10 * MIB, ge=1024, le=32 * MIB, description="largest document body or record value taken, in bytes"
    )
    ingest_max_uploads: int = Field(
        default=8, ge=1, description="uploads that may be in memory at once; more of them wait"
    )
    ingest_max_outstanding_bytes: int = Field(
        default=64 * MIB, ge=MIB, description="bytes of writes on their way to the broker at once; more are refused"
    )
    ingest_backfill_documents: int = Field(
        default=32,
        ge=1,
        le=4096,
        description="documents of the backfill lane on their way through the chain at once, in each process; fewer "
        "hold up live edits less, more of them make the lane faster",
    )
    ingest_backfill_bytes: int = Field(
        default=8 * MIB, ge=MIB, description="bytes of the documents of the backfill lane on their way at once"
    )
    ingest_max_watches: int = Field(default=200, ge=1, description="watches open at once; more are refused")
    ingest_chunk_max_tokens: int = Field(
        default=320,
        ge=16,
        le=MAX_CHUNK_TOKENS,
        description="no chunk has more of the encoder's tokens than this, headings not counted; a section that has "
        "more is divided; less where the encoder's window is small",
    )
    ingest_cutter: str = Field(
        default="jail",
        pattern="^(jail|direct)$",
        description="where documents are parsed: jail, in processes of their own; direct, in this one, for tests only",
    )
    ingest_cutter_processes: int = Field(default=1, ge=1, le=64, description="processes that parse documents")
    ingest_cutter_cpu_seconds: float = Field(
        default=20.0, gt=0, description="processor time that parsing one document may take"
    )
    ingest_cutter_memory_bytes: int = Field(
        default=1024 * MIB, ge=128 * MIB, description="memory that a process that parses documents may add to its own"
    )
    ingest_cache: str = Field(
        default="sqlite",
        pattern="^(sqlite|memory)$",
        description="where the ledger is kept at hand: sqlite, in the data folder; memory, read anew at each start",
    )

    @functools.cached_property
    def chunk_policy(self) -> ChunkPolicy:
        """How large a chunk may be."""
        spec = self.model_spec()
        # No token is shorter than a byte, so the prefix takes no more than this.
        return ChunkPolicy.within(spec.max_tokens - len(spec.passage_prefix.encode()), self.ingest_chunk_max_tokens)
