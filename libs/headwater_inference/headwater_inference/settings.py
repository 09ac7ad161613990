"""Which encoder, and where its files lie."""

from pathlib import Path

from headwater_kit.settings.base import Settings
from pydantic import Field

from headwater_inference.registry import ModelSpec, builtin
from headwater_inference.store import ModelStore


class ModelSettings(Settings):
    """For the services that load the encoder or its tokenizer; they must agree on it.

    `class Settings(ModelSettings, ServiceSettings)`.
    """

    encoder: str = Field(
        default=builtin().default,
        description="model that embeds, by its name in the registry; the same for ingest and embed. hash-words needs "
        "no download, but matches words, not meaning",
    )
    model_dir: Path | None = Field(
        default=None, description="folder of downloaded models; unset means headwater/models in the user's cache folder"
    )

    def model_spec(self) -> ModelSpec:
        """The encoder's registry entry. Raises Misconfigured."""
        return builtin().get(self.encoder)

    def model_store(self) -> ModelStore:
        """Where its files are, or will be."""
        return ModelStore(self.model_dir)
