"""What embed can be told."""

import os
from collections.abc import Sequence
from typing import ClassVar, Literal

from headwater_inference.registry import ModelSpec, known
from headwater_inference.settings import DeviceSettings, ModelSettings
from headwater_kit.core.errors import Misconfigured
from headwater_kit.settings import BesideSettings, ServiceSettings
from pydantic import Field


class Settings(BesideSettings, DeviceSettings, ModelSettings, ServiceSettings):
    """Settings of the embed service."""

    service: ClassVar[str] = "embed"

    embed_workers: int = Field(
        default=0, ge=0, le=256, description="texts encoded at the same time, one core each; 0 means all cores"
    )
    embed_max_queued_tokens: int = Field(
        default=131_072,
        ge=131_072,
        description="tokens that may wait in each lane (queries, live edits, backfill); more are refused, or wait for "
        "room if they come by event. 131072 holds one call of 256 full windows",
    )
    embed_cache_mb: int = Field(
        default=64, ge=0, description="memory for vectors of texts already embedded, in MiB; 64 holds 36,000 of them"
    )
    embed_disk_cache_mb: int = Field(
        default=512,
        ge=0,
        description="file in the data folder for vectors of texts already embedded, in MiB, its log of some MiB aside; "
        "it outlives a restart; 512 holds 310,000 of them, 0 turns it off",
    )

    embed_overlong: Literal["truncate", "refuse"] = Field(
        default="truncate",
        description="what becomes of a text longer than the model's window: truncate, it is cut and `truncated` says "
        "so; refuse, the call is refused, and a document's part with such a text goes to the dead-letter topic",
    )

    reranker: str = Field(
        default="ms-marco-minilm-l-12-v2-int8",
        description="model that reranks passages for retrieve, by its name in the registry; fetched and loaded when "
        "first asked for. Empty: none",
    )

    def reranker_spec(self) -> ModelSpec | None:
        """The reranker's registry entry; None where there is to be none. Raises Misconfigured."""
        if not self.reranker:
            return None
        spec = known(self.model_store().root).get(self.reranker)
        if spec.kind != "reranker":
            raise Misconfigured(f"{spec.name} is an {spec.kind}: HEADWATER_RERANKER names a reranker, or is empty")
        return spec

    def beside_specs(self) -> Sequence[ModelSpec]:
        """The registry entries of the encoders that stand beside. Raises Misconfigured where one cannot."""
        registry, first = known(self.model_store().root), self.model_spec()
        specs = [registry.get(name) for name in self.beside]
        for name, spec in zip(self.beside, specs, strict=True):
            if spec.name != name:
                raise Misconfigured(f"HEADWATER_ENCODERS_BESIDE names {name}, which stands for {spec.name}: write that")
            if spec.kind != "encoder":
                raise Misconfigured(f"HEADWATER_ENCODERS_BESIDE names {name}, a {spec.kind}: name encoders alone")
            if spec.model_id == first.model_id:
                raise Misconfigured(f"HEADWATER_ENCODERS_BESIDE names {name}, as HEADWATER_ENCODER does: take one out")
        return specs

    @property
    def workers(self) -> int:
        """Threads that encode."""
        return self.embed_workers or _cores()


def _cores() -> int:
    # Where the system tells, the cores this process may use rather than those there are.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
