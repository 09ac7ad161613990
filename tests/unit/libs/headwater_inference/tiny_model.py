"""A model of a few kilobytes, made here: each token's state is its row of a table.

The file is ONNX's protobuf, written field by field (onnx.proto, IR version 8).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, processors

DIMENSION = 8
INT64, FLOAT = 7, 1
_INTS, _INT = 7, 2
MANIFEST = """
name = "tiny"
licence = "Apache-2.0"
max_tokens = 32
pooling = "mean"
precision = "float32"
"""


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    head = b""
    while value > 127:
        head += bytes([value & 127 | 128])
        value >>= 7
    return head + bytes([value])


def _value(name: str, kind: int, axes: Sequence[str]) -> bytes:
    shape = b"".join(_field(1, _field(2, axis)) for axis in axes)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


def _node(operator: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    return b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, operator) + attributes


def _tensor(name: str, array: np.ndarray) -> bytes:
    return (
        b"".join(_field(1, size) for size in array.shape)
        + _field(2, FLOAT)
        + _field(8, name)
        + _field(9, array.tobytes())
    )


def onnx_bytes(
    inputs: Sequence[str] = ("input_ids", "attention_mask"), *, pooled: bool = False, rows: int = 300
) -> bytes:
    """The model; `pooled` gives one vector a text instead of a state a token, few `rows` do not fit the tokenizer."""
    table = np.random.default_rng(7).normal(size=(rows, DIMENSION)).astype(np.float32)
    graph = _field(1, _node("Gather", ["table", inputs[0]], "states"))
    axes = _field(5, _field(1, "axes") + _field(8, 1) + _field(20, _INTS))
    flat = _field(5, _field(1, "keepdims") + _field(3, 0) + _field(20, _INT))
    if pooled:
        graph += _field(1, _node("ReduceMean", ["states"], "pooled", axes + flat))
    graph += _field(2, "tiny") + _field(5, _tensor("table", table))
    graph += b"".join(_field(11, _value(name, INT64, ("texts", "tokens"))) for name in inputs)
    graph += _field(
        12, _value("pooled", FLOAT, ("texts", "d")) if pooled else _value("states", FLOAT, ("texts", "tokens", "d"))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))


def write_tokenizer(path: Path) -> None:
    """A token a byte, between two special ones."""
    vocabulary = {
        piece: place for place, piece in enumerate(["[CLS]", "[SEP]", *sorted(pre_tokenizers.ByteLevel.alphabet())])
    }
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    tokenizer.save(str(path))


def write_folder(folder: Path, manifest: str = MANIFEST, weights: bytes | None = None) -> Path:
    """A folder as `headwater models add` takes it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(weights or onnx_bytes())
    write_tokenizer(folder / "tokenizer.json")
    (folder / "model.toml").write_text(manifest)
    return folder
