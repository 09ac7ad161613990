"""A trained model as the folder that `headwater models add` takes."""

from typing import TYPE_CHECKING, Any

import numpy as np
from headwater_kit.core.errors import InvalidInput, Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

    from headwater_inference.training.jobs import Job

# What a score may stray by, relative to how far the samples' scores lie apart.
STRAY = 1e-3
QUESTION = "How is a document deleted?"


def write_model(job: "Job", model: Any) -> None:
    """Writes `model/` beside the trained weights; Misconfigured where what exports is not installed."""
    try:
        import onnx  # noqa: F401, PLC0415 - what the exporter writes with

        from headwater_inference import export  # noqa: PLC0415 - it needs what only who exports has
    except ImportError as error:
        raise Misconfigured(
            f"the weights are in {job.out}; to export them needs what is not installed here ({error.name}): "
            "pip install 'headwater-inference[train]', then `headwater models export`"
        ) from error
    target, given = job.out / "model", {"name": job.out.resolve().name, **(job.given or {})}
    if job.kind == "encoder":
        export.export(job.base, target, job.precision, given)
        return
    target.mkdir()
    model = model.to("cpu").eval()
    sample = dict(model.tokenizer(["one", "two"], ["and another", "text"], padding=True, return_tensors="pt"))
    export.write_weights(model.model, sample, target / "model.onnx", job.precision, "scores")
    export.write_tokenizer(model.tokenizer, job.base, target)
    said = {
        "kind": "reranker",
        "source": job.base.parent.name,
        "max_tokens": model.max_seq_length,
        "pooling": "none",
        "normalisation": "none",
        "precision": export.PRECISIONS[job.precision][0],
    }
    export.write_manifest(target, {**said, **given})
    if job.precision == "fp32":
        _check_parity(target, model, export.SAMPLES)


def _check_parity(target: "Path", model: Any, samples: tuple[str, ...]) -> None:
    """The exported model's scores are the original's."""
    from headwater_inference.addition import open_folder  # noqa: PLC0415 - it brings ONNX Runtime
    from headwater_inference.training.reranker import RerankerTraining  # noqa: PLC0415 - torch

    reranker = open_folder(target)
    exported = np.asarray(reranker.score([reranker.pair(QUESTION, text) for text in samples]))
    original = np.asarray(RerankerTraining(model).score(QUESTION, samples))
    if np.abs(exported - original).max() > STRAY * max(1.0, float(np.ptp(original))):
        raise InvalidInput("a score strays from the original's: the model cannot be exported")
