"""A model of the user's own: a folder that says what it is, tried, and taken into the store."""

import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

import tomlkit
from headwater_kit.core.errors import InvalidInput

from headwater_inference.onnx import OnnxEncoder
from headwater_inference.ports import Reranker
from headwater_inference.registry import TOKENIZER, USER_FILE, WEIGHTS, ModelFile, ModelSpec, added, builtin, parse
from headwater_inference.reranking import OnnxReranker
from headwater_inference.store import ModelStore, sha256_of, verify
from headwater_inference.trial import find_dimension, try_encoder, try_reranker

MANIFEST = "model.toml"
_HEADING = "Models of your own, beside those that come with Headwater: docs/models.md says what each key means."


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder must say of its model, in the words of a registry entry; the files are paths within it."""

    name: str
    licence: str
    max_tokens: int
    pooling: str
    precision: str
    kind: Literal["encoder", "reranker"] = "encoder"
    normalisation: str = "l2"
    query_prefix: str = ""
    passage_prefix: str = ""
    languages: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    source: str = "a folder of this machine"
    weights: str = "model.onnx"
    tokenizer: str = "tokenizer.json"

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {"extra": "forbid"}


def read_manifest(folder: Path, given: Mapping[str, Any]) -> Manifest:
    """What the folder's manifest says, and `given`, which goes before it. Raises InvalidInput, naming what is missing.

    So it does where the manifest cannot be read.
    """
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - as in registry

    file = folder / MANIFEST
    try:
        said = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
        return TypeAdapter(Manifest).validate_python({**said, **given})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}") from error
    except ValidationError as error:
        faults = error.errors()
        missing = [str(fault["loc"][0]) for fault in faults if fault["type"] == "missing"]
        if missing:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
            raise InvalidInput(f"it is not clear what the model is: give {options}, or say it in {file}") from error
        raise InvalidInput(f"{file}: {faults[0]['loc'][0]}: {faults[0]['msg']}") from error


def add_model(folder: Path, manifest: Manifest, store: ModelStore, stand_for: str = "") -> ModelSpec:
    """Copies the model into the store, tries it, and adds it to the user's registry file. Blocks for seconds.

    `stand_for` is the word that shall stand for it: english, multilingual or
    none. Adding the same again changes nothing. Raises InvalidInput where the
    folder, or what it says, is not what an encoder needs, and what
    `ModelStore.ensure` raises.
    """
    with store.staging() as staged:
        files = {
            WEIGHTS: _take(folder / manifest.weights, staged / "model.onnx"),
            TOKENIZER: _take(folder / manifest.tokenizer, staged / "tokenizer.json"),
        }
        paths = {role: staged / file.name for role, file in files.items()}
        is_encoder = manifest.kind == "encoder"
        spec = _spec(manifest, files, find_dimension(paths[WEIGHTS], paths[TOKENIZER]) if is_encoder else 1)
        _check_free(spec, store.root)
        _try(spec, paths)
        store.keep(staged, spec)
        _write(store.root, spec, stand_for)
    return spec


def _try(spec: ModelSpec, paths: Mapping[str, Path]) -> None:
    if spec.kind == "reranker":
        reranker = OnnxReranker(spec, paths)
        try_reranker(reranker)
        reranker.close()
    else:
        encoder = OnnxEncoder(spec, paths)
        try_encoder(encoder)
        encoder.close()


def open_folder(folder: Path) -> Reranker:
    """The reranker of a folder that is not in a store, to be tried. Raises InvalidInput, Misconfigured."""
    manifest = read_manifest(folder, {})
    paths = {WEIGHTS: folder / manifest.weights, TOKENIZER: folder / manifest.tokenizer}
    return OnnxReranker(_spec(manifest, {}, 1), paths)


def _take(source: Path, target: Path) -> ModelFile:
    try:
        sha256 = sha256_of(source)
    except OSError as error:
        raise InvalidInput(f"{source} cannot be read ({error.strerror}): name the file that is meant") from error
    shutil.copyfile(source, target)
    verify(target, sha256)
    return ModelFile(target.name, source.name, sha256, target.stat().st_size)


def _spec(manifest: Manifest, files: Mapping[str, ModelFile], dimension: int) -> ModelSpec:
    said = {field.name: getattr(manifest, field.name) for field in fields(manifest)}
    del said[WEIGHTS], said[TOKENIZER]
    try:
        return ModelSpec(**said, runtime="onnx", dimension=dimension, files=files)
    except ValueError as error:
        raise InvalidInput(str(error)) from error


def _check_free(spec: ModelSpec, root: Path) -> None:
    taken = builtin().models.get(spec.name) or added(root).models.get(spec.name)
    if taken is not None and taken.model_id != spec.model_id:
        raise InvalidInput(f"{spec.name} is another model in the registry: give this one a name of its own by --name")


def _write(root: Path, spec: ModelSpec, stand_for: str) -> None:
    """Adds to the user's file what is not in it, and leaves the rest as the user wrote it."""
    file = root / USER_FILE
    document = (
        tomlkit.parse(file.read_text("utf-8")) if file.exists() else tomlkit.document().add(tomlkit.comment(_HEADING))
    )
    if spec.name not in builtin().models and spec.name not in added(root).models:
        document.setdefault("models", tomlkit.aot()).append(tomlkit.item(_entry(spec)))
    if stand_for:
        document.setdefault("defaults", tomlkit.table())[stand_for] = spec.name
    text = tomlkit.dumps(document)
    parse(text, str(file))
    fresh = file.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    os.replace(fresh, file)


def _entry(spec: ModelSpec) -> Mapping[str, Any]:
    """What a registry file says of it: no more than what is not so anyway."""
    values = {key: value for key, value in asdict(spec).items() if value not in (None, "", ())}
    return {**values, "languages": list(spec.languages)}
