"""From a model's name to a working encoder."""

from collections.abc import Callable, Mapping
from pathlib import Path

from headwater_kit.core.errors import Misconfigured

from headwater_inference.download import Report, silent
from headwater_inference.hashed import HashEncoder
from headwater_inference.ports import Encoder
from headwater_inference.registry import ModelSpec
from headwater_inference.store import ModelStore

Opener = Callable[[ModelSpec, Mapping[str, Path]], Encoder]


def _open_onnx(spec: ModelSpec, files: Mapping[str, Path]) -> Encoder:
    # Imported on use: it brings ONNX Runtime.
    from headwater_inference.onnx import OnnxEncoder  # noqa: PLC0415

    return OnnxEncoder(spec, files)


def _open_hash(spec: ModelSpec, _: Mapping[str, Path]) -> Encoder:
    return HashEncoder(spec)


RUNTIMES: Mapping[str, Opener] = {"onnx": _open_onnx, "hash": _open_hash}


def open_encoder(spec: ModelSpec, store: ModelStore, report: Report = silent) -> Encoder:
    """Fetches a model if need be, checks it, loads it. Blocks: for seconds, or minutes when it must fetch.

    Raises what `ModelStore.ensure` raises, and Misconfigured where the files
    cannot be loaded.
    """
    opener = RUNTIMES.get(spec.runtime)
    if opener is None:
        raise Misconfigured(f"{spec.name} needs the runtime {spec.runtime!r}: known are {', '.join(RUNTIMES)}")
    return opener(spec, store.ensure(spec, report))
