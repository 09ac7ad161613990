"""Which encoder, and where its files lie."""

from pathlib import Path
from typing import Literal

from headwater_kit.settings.base import Settings
from pydantic import Field

from headwater_inference.registry import ENGLISH, ModelSpec, known
from headwater_inference.store import ModelStore
from headwater_inference.web import HUB


class ModelSettings(Settings):
    """For the services that load the encoder or its tokenizer; they must agree on it.

    `class Settings(ModelSettings, ServiceSettings)`.
    """

    encoder: str = Field(
        default=ENGLISH,
        description="model that embeds, by its name in the registry (`headwater models list`), or english or "
        "multilingual for the one that the registry says; the same for ingest and embed. hash-words needs no download, "
        "but matches words, not meaning",
    )
    model_dir: Path | None = Field(
        default=None,
        description="folder of models, and of the registry.toml that adds to those known; unset means headwater/models "
        "in the user's cache folder",
    )
    model_hub: str = Field(
        default=HUB,
        description="address that {hub} stands for where a model's files come from the web: a hub or a mirror",
    )

    def model_spec(self) -> ModelSpec:
        """The encoder's registry entry. Raises Misconfigured."""
        return known(self.model_store().root).get(self.encoder)

    def model_store(self) -> ModelStore:
        """Where its files are, or will be."""
        return ModelStore(self.model_dir, hub=self.model_hub)


class DeviceSettings(Settings):
    """For whoever runs a model, and does not only count its tokens."""

    device: Literal["cpu", "cuda", "auto"] = Field(
        default="cpu",
        description="what the model runs on: cpu; cuda, a GPU, without which embed does not start; auto, a GPU if "
        "there is one",
    )
