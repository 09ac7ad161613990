"""What ingest can be told."""

import functools
from typing import ClassVar, Self

from headwater_inference.settings import ModelSettings
from headwater_kit.settings import ServiceSettings
from headwater_kit.settings.base import MIB
from pydantic import Field, model_validator

from headwater_ingest.domain.chunking import ChunkPolicy

# What a window of 512 tokens leaves beside headings and special tokens.
MAX_CHUNK_TOKENS = 380


class Settings(ModelSettings, ServiceSettings):
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
    ingest_max_watches: int = Field(default=200, ge=1, description="watches open at once; more are refused")
    ingest_chunk_target_tokens: int = Field(
        default=200, ge=16, description="a chunk is closed once it has this many of the encoder's tokens"
    )
    ingest_chunk_max_tokens: int = Field(
        default=280,
        ge=16,
        le=MAX_CHUNK_TOKENS,
        description="no chunk has more of the encoder's tokens than this, headings not counted",
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
        target, most = self.ingest_chunk_target_tokens, self.ingest_chunk_max_tokens
        window = self.model_spec().max_tokens
        return ChunkPolicy(min(64, target), target, most, window_tokens=window)

    @model_validator(mode="after")
    def _check_chunks(self) -> Self:
        if self.ingest_chunk_target_tokens > self.ingest_chunk_max_tokens:
            raise ValueError("HEADWATER_INGEST_CHUNK_TARGET_TOKENS must not be over HEADWATER_INGEST_CHUNK_MAX_TOKENS")
        return self
