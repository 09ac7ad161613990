"""From a model's entry to a working encoder or reranker."""

from collections.abc import Callable, Mapping
from pathlib import Path

from headwater_kit.core.errors import Misconfigured

from headwater_inference.device import Device
from headwater_inference.download import Report, silent
from headwater_inference.grams import GramEncoder
from headwater_inference.hashed import HashEncoder
from headwater_inference.overlap import OverlapReranker
from headwater_inference.ports import Encoder, Reranker
from headwater_inference.registry import ModelSpec
from headwater_inference.store import ModelStore

Opener = Callable[[ModelSpec, Mapping[str, Path], Device], Encoder]
RerankerOpener = Callable[[ModelSpec, Mapping[str, Path], Device], Reranker]


def _open_onnx(spec: ModelSpec, files: Mapping[str, Path], device: Device) -> Encoder:
    # Imported on use: it brings ONNX Runtime.
    from headwater_inference.onnx import OnnxEncoder  # noqa: PLC0415

    return OnnxEncoder(spec, files, device)


def _open_hash(spec: ModelSpec, _: Mapping[str, Path], device: Device) -> Encoder:
    if device is Device.CUDA:
        raise Misconfigured(f"{spec.name} runs on the CPU alone: set HEADWATER_DEVICE=cpu, or name another encoder")
    return GramEncoder(spec) if spec.runtime == "grams" else HashEncoder(spec)


RUNTIMES: Mapping[str, Opener] = {"onnx": _open_onnx, "hash": _open_hash, "grams": _open_hash}


def _open_onnx_reranker(spec: ModelSpec, files: Mapping[str, Path], device: Device) -> Reranker:
    # Imported on use, as above.
    from headwater_inference.reranking import OnnxReranker  # noqa: PLC0415

    return OnnxReranker(spec, files, device)


RERANKER_RUNTIMES: Mapping[str, RerankerOpener] = {
    "onnx": _open_onnx_reranker,
    "hash": lambda spec, _files, _device: OverlapReranker(spec),
}


def open_encoder(spec: ModelSpec, store: ModelStore, report: Report = silent, device: Device = Device.CPU) -> Encoder:
    """Fetches a model if need be, checks it, loads it. Blocks: for seconds, or minutes when it must fetch.

    Raises what `ModelStore.ensure` raises, and Misconfigured where it is no
    encoder, or the files cannot be loaded or not on that device.
    """
    if spec.kind != "encoder":
        raise Misconfigured(f"{spec.name} is a {spec.kind} and gives no vectors: choose an encoder")
    return RUNTIMES[spec.runtime](spec, store.ensure(spec, report), device)


def open_reranker(spec: ModelSpec, store: ModelStore, report: Report = silent, device: Device = Device.CPU) -> Reranker:
    """As `open_encoder`; raises Misconfigured where it is no reranker."""
    if spec.kind != "reranker":
        raise Misconfigured(f"{spec.name} is an {spec.kind} and scores no pairs: choose a reranker")
    return RERANKER_RUNTIMES[spec.runtime](spec, store.ensure(spec, report), device)
