"""The models that `bench/encode.py` runs, and the same weights as its peers take them."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from candidates import Model, dequantised
from headwater_inference.bert import Bert, Layer, Linear, Norm, Table, read_bert
from headwater_inference.registry import TOKENIZER, WEIGHTS, builtin
from headwater_inference.settings import ModelSettings
from tokenizers import Tokenizer

# 7 bits: one is left for outliers.
WEIGHT_LIMIT = 64
MINILM_HEADS = 12
# Of all-MiniLM-L6-v2, found as docs/batching.md tells.
MINILM_OUTLIERS = (63, 94, 99, 157, 223, 252, 338, 363)
DENSE = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "mixed": "attention.output.dense", "inner": "intermediate.dense", "outer": "output.dense",
}  # fmt: skip
NORMS = {"mixed_norm": "attention.output.LayerNorm", "outer_norm": "output.LayerNorm"}
TABLES = {"words": "word", "positions": "position", "kinds": "token_type"}


def default_model() -> tuple[Model, Path]:
    """The service's own model, and its tokenizer's file."""
    settings = ModelSettings()
    spec = builtin().get("english")
    files = settings.model_store().ensure(spec)
    assert spec.rows is not None
    bert = read_bert(files[WEIGHTS])
    return Model(bert, spec.rows.heads, spec.pooling, spec.rows.outliers, files[WEIGHTS]), files[TOKENIZER]


def minilm(folder: Path) -> Model:
    """all-MiniLM-L6-v2 from its safetensors, its weights quantised per channel: what all rows then have."""
    floats = safetensors(folder / "model.safetensors")
    count = 1 + max(int(name.split(".")[2]) for name in floats if name.startswith("encoder.layer."))
    layers = tuple(_layer(floats, f"encoder.layer.{number}") for number in range(count))
    tables = (_table(floats[f"embeddings.{kind}_embeddings.weight"]) for kind in TABLES.values())
    return Model(Bert(*tables, _norm(floats, "embeddings.LayerNorm"), layers), MINILM_HEADS, "mean", MINILM_OUTLIERS)


def safetensors(path: Path) -> Mapping[str, np.ndarray]:
    """Float32 tensors by name; the format is a length, a JSON header and the bytes."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    return {
        name: np.frombuffer(content, "<f4", math.prod(entry["shape"]), start + entry["data_offsets"][0]).reshape(
            entry["shape"]
        )
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }


def _layer(floats: Mapping[str, np.ndarray], here: str) -> Layer:
    dense = {field: _linear(floats, f"{here}.{name}") for field, name in DENSE.items()}
    return Layer(**dense, **{field: _norm(floats, f"{here}.{name}") for field, name in NORMS.items()})


def _linear(floats: Mapping[str, np.ndarray], name: str) -> Linear:
    weights = floats[f"{name}.weight"].T
    scales = (np.abs(weights).max(axis=0) / WEIGHT_LIMIT).astype(np.float32)
    return Linear(np.rint(weights / scales).astype(np.int8), scales, floats[f"{name}.bias"])


def _norm(floats: Mapping[str, np.ndarray], name: str) -> Norm:
    return Norm(floats[f"{name}.weight"], floats[f"{name}.bias"])


def _table(floats: np.ndarray) -> Table:
    scale = np.float32((floats.max() - floats.min()) / 255)
    zero = np.uint8(np.rint(-floats.min() / scale))
    return Table((np.rint(floats / scale) + zero).clip(0, 255).astype(np.uint8), np.asarray(scale), np.asarray(zero))


def as_peers_take_it(model: Model, tokenizer: Tokenizer, folder: Path) -> None:
    """Writes the weights in float32 with transformers' names, and the exporter's graph where there is one."""
    np.savez(folder / "weights.npz", **dict(_named(model.bert)))
    tokenizer.save(str(folder / "tokenizer.json"))
    layer = model.bert.layers[0]
    config = {
        "hidden_size": len(model.bert.norm.gain), "num_hidden_layers": len(model.bert.layers),
        "num_attention_heads": model.heads, "intermediate_size": len(layer.inner.bias), "hidden_act": "gelu",
        "vocab_size": len(model.bert.words.rows), "layer_norm_eps": 1e-12, "pooling": model.pooling,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512, "pad_token": "[PAD]"}))
    (folder / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]", "cls_token": "[CLS]"}))
    if model.exported:
        (folder / "model.onnx").write_bytes(dequantised(model.exported))


def _named(bert: Bert) -> Iterator[tuple[str, np.ndarray]]:
    for field, kind in TABLES.items():
        yield f"embeddings.{kind}_embeddings.weight", getattr(bert, field).floats()
    yield from _named_norm("embeddings.LayerNorm", bert.norm)
    for number, layer in enumerate(bert.layers):
        here = f"encoder.layer.{number}"
        for field, name in DENSE.items():
            linear = getattr(layer, field)
            yield f"{here}.{name}.weight", np.ascontiguousarray((linear.weights * linear.scales).T, dtype=np.float32)
            yield f"{here}.{name}.bias", linear.bias
        for field, name in NORMS.items():
            yield from _named_norm(f"{here}.{name}", getattr(layer, field))


def _named_norm(name: str, norm: Norm) -> Iterator[tuple[str, np.ndarray]]:
    yield f"{name}.weight", norm.gain
    yield f"{name}.bias", norm.shift
