"""A BERT of a few kilobytes, with weights by chance, and the file that it would be read from."""

from pathlib import Path

import numpy as np
import onnx
from headwater_inference.bert import Bert, Layer, Linear, Norm, Table
from onnx import helper, numpy_helper

DIMENSION, HEADS, WORDS, WINDOW = 32, 4, 50, 40
OUTLIERS = (3, 17)


def tiny_bert(bits: int = 7) -> Bert:
    """Two layers; the channels OUTLIERS of every norm are ten times as large as others."""
    rng = np.random.default_rng(7)
    limit = 2 ** (bits - 1)

    def linear(inputs: int, outputs: int) -> Linear:
        weights = rng.integers(-limit + 1, limit, (inputs, outputs)).astype(np.int8)
        scales = rng.uniform(0.5, 1.5, outputs) / (limit * inputs**0.5)
        return Linear(weights, scales.astype(np.float32), rng.normal(0, 0.1, outputs).astype(np.float32))

    def norm() -> Norm:
        gain = rng.uniform(0.5, 1.5, DIMENSION)
        gain[list(OUTLIERS)] *= 10
        return Norm(gain.astype(np.float32), rng.normal(0, 0.1, DIMENSION).astype(np.float32))

    def table(rows: int) -> Table:
        return Table(
            rng.integers(0, 256, (rows, DIMENSION)).astype(np.uint8),
            np.asarray(np.float32(0.01)),
            np.asarray(np.uint8(128)),
        )

    def layer() -> Layer:
        square = [linear(DIMENSION, DIMENSION) for _ in range(4)]
        return Layer(*square, norm(), linear(DIMENSION, 4 * DIMENSION), linear(4 * DIMENSION, DIMENSION), norm())

    return Bert(table(WORDS), table(WINDOW), table(2), norm(), (layer(), layer()))


def write(bert: Bert, path: Path) -> None:
    """The tensors and products of a file as ONNX Runtime's quantiser leaves them; what else is in one is not read."""
    tensors, nodes = {}, []

    def put(name: str, linear: Linear) -> None:
        stem = f"onnx::MatMul_{len(nodes)}"
        tensors.update(
            {f"{stem}_quantized": linear.weights, f"{stem}_scale": linear.scales, f"{name}.bias": linear.bias}
        )
        place = "/" + name.replace("encoder.layer.", "encoder#").replace(".", "/").replace("encoder#", "encoder/layer.")
        inputs = ["x", f"{stem}_quantized"]
        nodes.append(helper.make_node("MatMulInteger", inputs, [stem], name=f"{place}/MatMul_quant"))

    def put_norm(name: str, norm: Norm) -> None:
        tensors.update({f"{name}.weight": norm.gain, f"{name}.bias": norm.shift})

    for kind, table in (("word", bert.words), ("position", bert.positions), ("token_type", bert.kinds)):
        name = f"embeddings.{kind}_embeddings.weight"
        tensors.update(
            {f"{name}_quantized": table.rows, f"{name}_scale": table.scale, f"{name}_zero_point": table.zero}
        )
    put_norm("embeddings.LayerNorm", bert.norm)
    for number, layer in enumerate(bert.layers):
        here = f"encoder.layer.{number}"
        for part in ("query", "key", "value"):
            put(f"{here}.attention.self.{part}", getattr(layer, part))
        put(f"{here}.attention.output.dense", layer.mixed)
        put(f"{here}.intermediate.dense", layer.inner)
        put(f"{here}.output.dense", layer.outer)
        put_norm(f"{here}.attention.output.LayerNorm", layer.mixed_norm)
        put_norm(f"{here}.output.LayerNorm", layer.outer_norm)
    initial = [
        numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name)
        for name, value in tensors.items()
    ]
    onnx.save(helper.make_model(helper.make_graph(nodes, "tiny", [], [], initial)), path)
