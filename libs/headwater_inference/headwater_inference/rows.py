"""Products in int8 whose activations have a scale for each token: `precision = "int8-rows"`.

Dynamic quantisation scales a whole run by its largest activation. Here each
row of activations, which is one token, has a scale of its own; weights and
their scales stay as they are in the file. Three things keep it near float32:

- A few channels of a BERT are larger than the rest by several times (Dettmers
  et al., LLM.int8(), 2022) and would set every row's scale. They are halved
  and their weights doubled (SmoothQuant, Xiao et al., 2023, with integers):
  exact, because weights that were quantised to 7 bits leave room for it.
- Behind GELU no value is below -0.17, so its zero point stands low in the
  byte and nearly all of it is for positive values.
- What does not pass through a product stays float32.
"""

from collections.abc import Sequence

import numpy as np
from headwater_kit.core.errors import Misconfigured
from numpy.typing import NDArray

from headwater_inference.bert import Linear
from headwater_inference.graph import MICROSOFT, Graph

HALVED = "halved"
# Of doubled weights; the few that were 64 become 127 instead of 128.
WEIGHT_LIMIT = 127
SYMMETRIC_ZERO = 128
# 32 was as near to float32 as 24, and nearer than 16 and 64 (docs/batching.md).
ACTIVATED_ZERO = 32
# GELU's least value is -0.16997.
ACTIVATED_FLOOR = 0.17
# A row of nothing but zeros must not have the scale 0.
LEAST_SCALE = 1e-12


class RowProducts:
    """Products in int8; `outliers` are the channels of a layer norm's output that are halved.

    Raises Misconfigured where there is no room to double their weights.
    """

    def __init__(self, dimension: int, outliers: Sequence[int] = ()) -> None:
        self._factors = np.ones(dimension, dtype=np.int32)
        self._factors[list(outliers)] = 2

    def prepare(self, graph: Graph, states: str, *, normed: bool = False, activated: bool = False) -> Sequence[str]:
        if normed:
            halves = graph.constant("halves", (1 / self._factors).astype(np.float32))
            states = graph.node("Mul", states, halves)
        scale = self._activated_scale(graph, states) if activated else self._symmetric_scale(graph, states)
        zero = graph.constant(f"zero {activated}", np.uint8(ACTIVATED_ZERO if activated else SYMMETRIC_ZERO))
        scales = graph.node("Reshape", scale, graph.integers(-1))
        zeros = graph.node("Expand", zero, graph.node("Shape", scales))
        rows = graph.node("QuantizeLinear", states, scales, zeros, axis=0)
        return (rows, scale, zero, HALVED if normed else "")

    def multiply(self, graph: Graph, prepared: Sequence[str], place: str, linear: Linear) -> str:
        rows, scale, zero, halved = prepared
        product = graph.node(
            "MatMulIntegerToFloat",
            rows,
            graph.constant(f"{place} weights", self._doubled(linear) if halved else linear.weights),
            graph.constant("one", np.float32(1)),  # the rows' scales follow: this operator takes only one for all
            graph.constant(f"{place} scales", linear.scales),
            zero,
            # Its own, not shared: where weights become unsigned, ONNX Runtime changes this one with them.
            graph.constant(f"{place} zeros", np.zeros(len(linear.scales), dtype=np.int8)),
            domain=MICROSOFT,
        )
        return graph.node("Mul", product, scale)

    def _doubled(self, linear: Linear) -> NDArray[np.int8]:
        weights = linear.weights.astype(np.int32) * self._factors[:, np.newaxis]
        if np.abs(weights).max() > WEIGHT_LIMIT + 1:
            raise Misconfigured("outliers need weights of 7 bits, and these have 8: leave `outliers` out")
        return weights.clip(-WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int8)

    def _symmetric_scale(self, graph: Graph, states: str) -> str:
        largest = graph.node("ReduceMax", graph.node("Abs", states), graph.integers(-1), keepdims=1)
        scale = graph.node("Mul", largest, graph.constant("a byte's half", np.float32(1 / (255 - SYMMETRIC_ZERO))))
        return graph.node("Max", scale, graph.constant("least", np.float32(LEAST_SCALE)))

    def _activated_scale(self, graph: Graph, states: str) -> str:
        largest = graph.node("ReduceMax", states, graph.integers(-1), keepdims=1)
        scale = graph.node("Mul", largest, graph.constant("a byte's rest", np.float32(1 / (255 - ACTIVATED_ZERO))))
        return graph.node("Max", scale, graph.constant("floor", np.float32(ACTIVATED_FLOOR / ACTIVATED_ZERO)))
