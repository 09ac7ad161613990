"""A BERT's weights, as they stand in an ONNX file that was quantised dynamically."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from headwater_kit.core.errors import Misconfigured
from numpy.typing import NDArray
from onnx import numpy_helper

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]
_QUANTISED = "_quantized"


@dataclass(frozen=True, slots=True)
class Linear:
    """x W + b: W is `weights` (inputs, outputs) times `scales` (outputs)."""

    weights: Bytes
    scales: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer norm over the last axis."""

    gain: Floats
    shift: Floats


@dataclass(frozen=True, slots=True)
class Table:
    """Embeddings by row: (`rows` - `zero`) times `scale`."""

    rows: NDArray[np.uint8]
    scale: Floats
    zero: NDArray[np.uint8]

    def floats(self) -> Floats:
        """The embeddings themselves."""
        return np.asarray((self.rows.astype(np.float32) - np.float32(self.zero)) * self.scale, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Layer:
    """Attention and what mixes its heads, then two products with an activation between them."""

    query: Linear
    key: Linear
    value: Linear
    mixed: Linear
    mixed_norm: Norm
    inner: Linear
    outer: Linear
    outer_norm: Norm


@dataclass(frozen=True, slots=True)
class Bert:
    """All of a model's weights. `kinds` are the token types, of which the first is used."""

    words: Table
    positions: Table
    kinds: Table
    norm: Norm
    layers: tuple[Layer, ...]


def read_bert(path: Path) -> Bert:
    """Reads a file that ONNX Runtime quantised per channel, with the names that transformers gives.

    Raises Misconfigured where it is none.
    """
    try:
        graph = onnx.load(str(path)).graph
        return _bert({tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}, _products(graph))
    except (DecodeError, KeyError) as error:
        raise Misconfigured(f"{path} is no BERT with int8 weights, which its precision asks for: {error}") from error


def _products(graph: Any) -> Mapping[str, str]:
    """The name of each product's weights, by its place in the model."""
    found = (node for node in graph.node if node.op_type == "MatMulInteger")
    return {
        node.name.strip("/").removesuffix("/MatMul_quant").replace("/", "."): node.input[1].removesuffix(_QUANTISED)
        for node in found
    }


def _bert(tensors: Mapping[str, Any], products: Mapping[str, str]) -> Bert:
    def linear(place: str) -> Linear:
        name = products[place]
        return Linear(tensors[name + _QUANTISED], tensors[name + "_scale"], tensors[place + ".bias"])

    def norm(place: str) -> Norm:
        return Norm(tensors[place + ".weight"], tensors[place + ".bias"])

    def table(kind: str) -> Table:
        name = f"embeddings.{kind}_embeddings.weight"
        return Table(tensors[name + _QUANTISED], tensors[name + "_scale"], tensors[name + "_zero_point"])

    def layer(number: int) -> Layer:
        here = f"encoder.layer.{number}"
        return Layer(
            query=linear(f"{here}.attention.self.query"),
            key=linear(f"{here}.attention.self.key"),
            value=linear(f"{here}.attention.self.value"),
            mixed=linear(f"{here}.attention.output.dense"),
            mixed_norm=norm(f"{here}.attention.output.LayerNorm"),
            inner=linear(f"{here}.intermediate.dense"),
            outer=linear(f"{here}.output.dense"),
            outer_norm=norm(f"{here}.output.LayerNorm"),
        )

    layers = tuple(layer(number) for number in range(sum(place.endswith(".query") for place in products)))
    if not layers:
        raise KeyError("it has no layers")
    return Bert(table("word"), table("position"), table("token_type"), norm("embeddings.LayerNorm"), layers)
