"""From a sentence-transformers folder to one that `headwater models add` takes: ONNX weights, tokenizer, manifest.

`python -m headwater_inference.export HF_DIR --out DIR --precision fp32 …`, in an
environment with the extra `headwater-inference[export]`. No service imports
this module, nor what it needs. Nothing is fetched: the folder has it all.
"""

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tomlkit
from headwater_kit.core.errors import HeadwaterError, InvalidInput, Misconfigured

from headwater_inference.addition import MANIFEST, read_manifest
from headwater_inference.onnx import POOLINGS, OnnxEncoder
from headwater_inference.registry import TOKENIZER, WEIGHTS, ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EXTRA = "headwater-inference[export]"
# By precision, what the manifest calls it and the least cosine to sentence-transformers' own vectors.
PRECISIONS: Mapping[str, tuple[str, float]] = {"fp32": ("float32", 0.9999), "int8": ("int8-dynamic", 0.97)}
# What an encoder may consist of: token states, their pooling, and a normalisation that is done here anyway.
_KINDS = ("Transformer", "Pooling", "Normalize")
OPSET = 18
SAMPLES = (
    "Kafka keeps the records of a partition in order.",
    "A tombstone deletes a document from the index.",
    "How is a document deleted?",
    "short",
    "naïve café, 你好, Привет",
    "To be embedded, a text is cut into the tokens that the model was trained on, and each of them becomes a vector "
    "that the layers then mix with its neighbours'. What remains is one vector for the whole text. " * 3,
    "def add(a, b):\n    return a + b\n",
    "The office opens at nine in the morning and closes at five, except on the last Friday of a month.",
)


def export(source: Path, out: Path, precision: str, given: Mapping[str, Any]) -> float:
    """Writes the folder `out`, which must not exist, and returns the least cosine of its vectors to the original's.

    Raises InvalidInput where the model is of another kind, or a vector strays
    too far: nothing is written then. Misconfigured where the extra is missing.
    """
    if out.exists():
        raise InvalidInput(f"{out} exists already: name another folder by --out")
    model = _load(source)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as stage:
        staged = Path(stage) / "model"
        staged.mkdir()
        write_tokenizer(model.tokenizer, source, staged)
        _write_weights(model, staged / "model.onnx", precision)
        write_manifest(staged, {**_said_by(model, source, precision), **given})
        cosine = parity(model, staged)
        least = PRECISIONS[precision][1]
        if cosine < least:
            raise InvalidInput(f"a vector strays to a cosine of {cosine:.5f} from the original's, {least} is the least")
        staged.rename(out)
    return cosine


def parity(model: "SentenceTransformer", folder: Path) -> float:
    """The least cosine, over sample texts, of the exported model's vectors to the original's."""
    dimension = model.get_embedding_dimension()
    manifest = read_manifest(folder, {})
    spec = ModelSpec(
        name=manifest.name, runtime="onnx", source="", licence=manifest.licence, dimension=dimension or 0,
        max_tokens=manifest.max_tokens, pooling=manifest.pooling, normalisation="l2", precision=manifest.precision,
    )  # fmt: skip
    encoder = OnnxEncoder(spec, {WEIGHTS: folder / "model.onnx", TOKENIZER: folder / "tokenizer.json"})
    vectors = encoder.encode([encoder.tokenize(text)[0] for text in SAMPLES])
    reference = model.encode(list(SAMPLES), prompt="", normalize_embeddings=True, convert_to_numpy=True)
    return float((vectors * np.asarray(reference)).sum(axis=1).min())


def _load(source: Path) -> "SentenceTransformer":
    try:
        import onnx  # noqa: F401, PLC0415 - what the exporter writes with
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    except ImportError as error:
        raise Misconfigured(
            f"exporting needs what is not installed here ({error.name}): pip install '{EXTRA}'"
        ) from error
    if not (source / "config.json").is_file():
        raise InvalidInput(f"{source} is no model folder: it has no config.json")
    model = SentenceTransformer(str(source), device="cpu", local_files_only=True)
    strange = [type(part).__name__ for part in model if type(part).__name__ not in _KINDS]
    if strange or type(model[0]).__name__ != "Transformer":
        raise InvalidInput(
            f"the model has parts that an encoder has not: {', '.join(strange) or 'no Transformer first'}"
        )
    return model


def _said_by(model: "SentenceTransformer", source: Path, precision: str) -> Mapping[str, Any]:
    """What the model says of itself, in the words of a manifest."""
    pooling = model[1].get_config_dict()["pooling_mode"] if len(model) > 1 else "mean"
    if pooling not in POOLINGS:
        raise InvalidInput(f"the model pools by {pooling}: what can be served is {', '.join(POOLINGS)}")
    prompts = model.prompts or {}
    return {
        "name": f"{source.resolve().name}-{precision}",
        "source": source.resolve().name,
        "max_tokens": model.get_max_seq_length(),
        "pooling": pooling,
        "precision": PRECISIONS[precision][0],
        "query_prefix": prompts.get("query") or "",
        "passage_prefix": prompts.get("document") or prompts.get("passage") or "",
    }


def _write_weights(model: "SentenceTransformer", target: Path, precision: str) -> None:
    sample = dict(model.tokenizer(["one", "and another text"], padding=True, return_tensors="pt"))
    write_weights(model[0].auto_model, sample, target, precision, "token_states")


def write_weights(module: Any, sample: Mapping[str, Any], target: Path, precision: str, output: str) -> None:
    """Writes a torch module, on the CPU, as ONNX: its first output, for inputs like the sample's, of any number of
    texts and tokens.
    """
    import torch  # noqa: PLC0415 - heavy, and not in any service

    shapes = {name: {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC} for name in sample}
    torch.onnx.export(
        module.eval(), (), str(target), kwargs=dict(sample), input_names=list(sample),
        output_names=[output], opset_version=OPSET, dynamo=True, dynamic_shapes=shapes, external_data=False,
        verbose=False,
    )  # fmt: skip
    _strip(target)
    if precision == "int8":
        from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]  # noqa: PLC0415

        full = target.rename(target.with_suffix(".fp32"))
        quantize_dynamic(full, target, per_channel=True, weight_type=QuantType.QInt8)
        full.unlink()


def _strip(weights: Path) -> None:
    """Takes out what changes no vector: further outputs, and notes that name this machine's folders.

    The hash of the weights is a part of the model id, which must be the same wherever they are exported.
    """
    import onnx  # noqa: PLC0415

    model = onnx.load(weights)
    del model.graph.output[1:]
    for noted in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        noted.ClearField("metadata_props")
        noted.ClearField("doc_string")
    onnx.save(model, weights)


def write_tokenizer(tokenizer: Any, source: Path, staged: Path) -> None:
    """Writes tokenizer.json, as it is in the folder `source` or as it can be saved. Raises InvalidInput."""
    if (source / "tokenizer.json").is_file():
        shutil.copyfile(source / "tokenizer.json", staged / "tokenizer.json")
        return
    tokenizer.save_pretrained(staged)  # a fast tokenizer writes tokenizer.json
    if not (staged / "tokenizer.json").is_file():
        raise InvalidInput(f"{source} has no tokenizer.json, and its tokenizer cannot be saved as one")


def write_manifest(staged: Path, said: Mapping[str, Any]) -> None:
    """Writes what the folder says of its model. Raises InvalidInput where something is missing."""
    text = tomlkit.dumps({key: value for key, value in said.items() if value not in ("", [])})
    (staged / MANIFEST).write_text(text, "utf-8")
    read_manifest(staged, {})


def main(arguments: Sequence[str]) -> int:
    """Exports, prints the parity and what to do next; returns the exit code."""
    parser = argparse.ArgumentParser(prog="headwater models export", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="HF_DIR", help="a sentence-transformers folder")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--licence", required=True, help="SPDX id of the weights' licence")
    parser.add_argument("--name", help="what to call the model")
    parser.add_argument("--source", help="whose weights they are")
    parser.add_argument("--query-prefix", help="what goes before a query")
    parser.add_argument("--passage-prefix", help="what goes before a stored text")
    parser.add_argument("--language", action="append", dest="languages", help="a language it is for; may be repeated")
    options = vars(parser.parse_args(arguments))
    folder, out, precision = options.pop("folder"), options.pop("out"), options.pop("precision")
    try:
        cosine = export(folder, out, precision, {key: value for key, value in options.items() if value is not None})
    except HeadwaterError as error:
        sys.stderr.write(f"headwater: {error.message}\n")
        return 1
    sys.stdout.write(
        f"{out}: least cosine to sentence-transformers {cosine:.6f} over {len(SAMPLES)} texts\n"
        f"now add it: headwater models add {out}\n"
    )
    return 0


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # of parts of torch that are not needed
    sys.exit(main(sys.argv[1:]))
