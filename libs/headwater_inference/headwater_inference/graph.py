"""A BERT as an ONNX graph for one unpadded text, with the kernels that ONNX Runtime has for a CPU.

What an exporter writes has to serve any batch and mask; one text needs neither
mask nor padding. Attention is one node, which never writes its scores to
memory, and where the vector is the first token's state, the last layer
computes that state alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from headwater_inference.bert import Bert, Layer, Linear, Norm

OPSET, IR_VERSION = 21, 10
MICROSOFT = "com.microsoft"
# BERT's, and that of every model that was trained from it.
NORM_EPSILON = 1e-12


class Graph:
    """Nodes and constants in the making; a node's name is its only output's name."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        """Keeps a value under a name, once."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name)
        return name

    def integers(self, *values: int) -> str:
        """A list of integers, as axes and shapes are given."""
        return self.constant(f"integers {values}", np.array(values, dtype=np.int64))

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Appends a node; returns its output."""
        name = f"{operator} {len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def finish(self, output: str, dimension: int) -> bytes:
        """The model as ONNX Runtime takes it: input_ids of shape (1, tokens) to states (1, rows, dimension)."""
        inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, "rows", dimension])]
        graph = helper.make_graph(self._nodes, "bert", inputs, outputs, list(self._constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


class Products(Protocol):
    """How products with the weights are computed."""

    def prepare(self, graph: Graph, states: str, *, normed: bool = False, activated: bool = False) -> Sequence[str]:
        """What `multiply` needs of states (tokens, inputs): of a layer norm's, an activation's or others."""
        ...

    def multiply(self, graph: Graph, prepared: Sequence[str], place: str, linear: Linear) -> str:
        """Prepared states times weights, without bias; `place` is the product's own name."""
        ...


class FloatProducts:
    """Products in float32: the reference that others are measured by."""

    def prepare(self, graph: Graph, states: str, *, normed: bool = False, activated: bool = False) -> Sequence[str]:
        return (states,)

    def multiply(self, graph: Graph, prepared: Sequence[str], place: str, linear: Linear) -> str:
        weights = (linear.weights.astype(np.float32) * linear.scales).astype(np.float32)
        return graph.node("MatMul", *prepared, graph.constant(f"{place} weights", weights))


def bert_graph(bert: Bert, heads: int, products: Products, *, first_only: bool) -> bytes:
    """The model; with `first_only` its output is the first token's state alone."""
    graph = Graph()
    states = _embedded(graph, bert)
    for number, layer in enumerate(bert.layers):
        writer = _LayerWriter(graph, f"layer {number}", layer, heads, products)
        states = writer.write(states, first_only=first_only and number == len(bert.layers) - 1)
    return graph.finish(graph.node("Unsqueeze", states, graph.integers(0)), len(bert.norm.gain))


def _embedded(graph: Graph, bert: Bert) -> str:
    ids = graph.node("Reshape", "input_ids", graph.integers(-1))
    scale, zero = graph.constant("words scale", bert.words.scale), graph.constant("words zero", bert.words.zero)
    rows = graph.node("Gather", graph.constant("words", bert.words.rows), ids)
    words = graph.node("DequantizeLinear", rows, scale, zero)
    places = graph.constant("positions", bert.positions.floats() + bert.kinds.floats()[0])
    here = graph.node("Slice", places, graph.integers(0), graph.node("Shape", ids), graph.integers(0))
    return _norm(graph, "embedded", bert.norm, graph.node("Add", words, here))


def _norm(graph: Graph, place: str, norm: Norm, states: str) -> str:
    gain, shift = graph.constant(f"{place} gain", norm.gain), graph.constant(f"{place} shift", norm.shift)
    return graph.node("LayerNormalization", states, gain, shift, axis=-1, epsilon=NORM_EPSILON)


@dataclass(frozen=True, slots=True)
class _LayerWriter:
    graph: Graph
    place: str
    layer: Layer
    heads: int
    products: Products

    def write(self, states: str, *, first_only: bool) -> str:
        graph, layer = self.graph, self.layer
        attended = self._attended(states, first_only=first_only)
        if first_only:
            states = self._first(states)
        mixed = graph.node("Add", self._times(attended, "mixed", layer.mixed), states)
        states = _norm(graph, f"{self.place} mixed", layer.mixed_norm, mixed)
        inner = graph.node("Gelu", self._times(states, "inner", layer.inner, normed=True), domain=MICROSOFT)
        outer = graph.node("Add", self._times(inner, "outer", layer.outer, activated=True), states)
        return _norm(graph, f"{self.place} outer", layer.outer_norm, outer)

    def _attended(self, states: str, *, first_only: bool) -> str:
        parts = {"query": self.layer.query, "key": self.layer.key, "value": self.layer.value}
        prepared = self.products.prepare(self.graph, states, normed=True)
        seen = {
            part: self.products.multiply(self.graph, prepared, f"{self.place} {part}", linear)
            for part, linear in parts.items()
        }
        if first_only:
            seen["query"] = self._first(seen["query"])
        texts = [self.graph.node("Unsqueeze", part, self.graph.integers(0)) for part in seen.values()]
        bias = np.concatenate([linear.bias for linear in parts.values()])
        bias_name = self.graph.constant(f"{self.place} attention bias", bias)
        attended = self.graph.node("MultiHeadAttention", *texts, bias_name, domain=MICROSOFT, num_heads=self.heads)
        return self.graph.node("Reshape", attended, self.graph.integers(-1, len(self.layer.query.bias)))

    def _times(self, states: str, part: str, linear: Linear, *, normed: bool = False, activated: bool = False) -> str:
        prepared = self.products.prepare(self.graph, states, normed=normed, activated=activated)
        product = self.products.multiply(self.graph, prepared, f"{self.place} {part}", linear)
        # As a row, not as a vector: ONNX Runtime would fuse a vector with the activation after it, by a slower kernel.
        return self.graph.node(
            "Add", product, self.graph.constant(f"{self.place} {part} bias", linear.bias[np.newaxis])
        )

    def _first(self, states: str) -> str:
        return self.graph.node("Slice", states, self.graph.integers(0), self.graph.integers(1), self.graph.integers(0))
