"""The ways to run a BERT that `bench/encode.py` compares: each gives a function from texts' tokens to vectors."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from headwater_inference.bert import Bert, Linear
from headwater_inference.graph import MICROSOFT, FloatProducts, Graph, bert_graph
from headwater_inference.onnx import POOLINGS
from headwater_inference.ports import Vectors
from headwater_inference.rows import RowProducts
from headwater_inference.session import open_session, token_inputs
from onnx import numpy_helper

Ids = Sequence[int]
Encode = Callable[[Sequence[Ids]], Vectors]
CORES = 2
BATCH_TOKENS = 2_048


@dataclass(frozen=True)
class Model:
    """One model's weights and how its states become a vector."""

    bert: Bert
    heads: int
    pooling: str
    outliers: Sequence[int]
    exported: Path | None = None
    "The exporter's own graph with dynamic int8, where there is one."


class TensorProducts(RowProducts):
    """Products in int8 with one scale for all of a run's activations, as dynamic quantisation has it."""

    def prepare(self, graph: Graph, states: str, *, normed: bool = False, activated: bool = False) -> Sequence[str]:
        if normed:
            states = graph.node("Mul", states, graph.constant("halves", (1 / self._factors).astype(np.float32)))
        rows, scale, zero = (f"{name} of {states}" for name in ("rows", "scale", "zero"))
        graph._nodes.append(onnx.helper.make_node("DynamicQuantizeLinear", [states], [rows, scale, zero]))  # noqa: SLF001
        return (rows, scale, zero, "halved" if normed else "")


class NBitsProducts:
    """Products by MatMulNBits in 8 bits with a scale for each block of inputs, activations in int8 by block."""

    def __init__(self, block: int) -> None:
        self._block = block

    def prepare(self, graph: Graph, states: str, *, normed: bool = False, activated: bool = False) -> Sequence[str]:
        return (states,)

    def multiply(self, graph: Graph, prepared: Sequence[str], place: str, linear: Linear) -> str:
        inputs, outputs = linear.weights.shape
        blocks = (linear.weights.T * linear.scales[:, np.newaxis]).reshape(outputs, inputs // self._block, self._block)
        scales = np.maximum(np.abs(blocks).max(axis=2, keepdims=True) / 127, 1e-12)
        packed = (np.rint(blocks / scales) + 128).astype(np.uint8)
        return graph.node(
            "MatMulNBits", *prepared, graph.constant(f"{place} weights", packed),
            graph.constant(f"{place} scales", scales.astype(np.float32).reshape(-1)),
            domain=MICROSOFT, K=inputs, N=outputs, bits=8, block_size=self._block, accuracy_level=4,
        )  # fmt: skip


class OuterInFloat(RowProducts):
    """Another's products, but those behind an activation in float32."""

    def __init__(self, others: RowProducts) -> None:
        self._others, self._floats = others, FloatProducts()

    def prepare(self, graph: Graph, states: str, *, normed: bool = False, activated: bool = False) -> Sequence[str]:
        products = self._floats if activated else self._others
        return products.prepare(graph, states, normed=normed, activated=activated)

    def multiply(self, graph: Graph, prepared: Sequence[str], place: str, linear: Linear) -> str:
        products = self._floats if len(prepared) == 1 else self._others
        return products.multiply(graph, prepared, place, linear)


def candidates(model: Model) -> Mapping[str, Callable[[], Encode]]:
    """By name; each is made when called, so that a run of one row does not pay for all."""
    size = len(model.bert.norm.gain)

    def ours(products: object, callers: int = CORES, threads: int = 1) -> Callable[[], Encode]:
        def make() -> Encode:
            graph = bert_graph(model.bert, model.heads, products, first_only=model.pooling == "cls")  # type: ignore[arg-type]
            return alone(session(graph, threads), model.pooling, callers)

        return make

    rows: dict[str, Callable[[], Encode]] = {
        "float32": ours(FloatProducts()),
        "int8-rows": ours(RowProducts(size, model.outliers)),
        "int8-rows, 1 caller x 2 threads": ours(RowProducts(size, model.outliers), 1, CORES),
        "int8-rows, no outliers halved": ours(RowProducts(size)),
        "int8 by tensor": ours(TensorProducts(size)),
        "int8 by tensor, outliers halved": ours(TensorProducts(size, model.outliers)),
        "int8 by tensor, outliers halved, outer products float32": ours(
            OuterInFloat(TensorProducts(size, model.outliers))
        ),
        "MatMulNBits 8 bit, block 32": ours(NBitsProducts(32)),
        "MatMulNBits 8 bit, block 128": ours(NBitsProducts(128)),
    }
    if model.exported is not None:
        shipped, floats = model.exported, dequantised(model.exported)
        rows["int8-dynamic as shipped"] = lambda: alone(session(shipped, 1), model.pooling, CORES)
        rows["int8-dynamic as shipped, batches of 2,048 tokens"] = lambda: batched(session(shipped, 2), model.pooling)
        rows["ONNX Runtime float32, batches of 2,048 tokens"] = lambda: batched(session(floats, 2), model.pooling)
    return rows


def bfloat16() -> str:
    """What ONNX Runtime's CPU provider says to a product in bfloat16."""
    kind = onnx.TensorProto.BFLOAT16
    values = [onnx.helper.make_tensor_value_info(name, kind, [2, 2]) for name in "ab"]
    node = onnx.helper.make_node("MatMul", ["a", "a"], ["b"])
    graph = onnx.helper.make_graph([node], "product", values[:1], values[1:])
    opsets = [onnx.helper.make_opsetid("", 21)]
    try:
        session(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString(), 1)
    except Exception as error:
        return str(error)
    return "available"


def session(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session as the service opens it, but for the number of threads."""

    def make(model: str | bytes, options: onnxruntime.SessionOptions, **rest: object) -> onnxruntime.InferenceSession:
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(model, options, **rest)

    return open_session(model, make=make)


def alone(opened: onnxruntime.InferenceSession, pooling: str, callers: int) -> Encode:
    """One text a run, longest first, by so many threads."""

    def encode(texts: Sequence[Ids]) -> Vectors:
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        with ThreadPoolExecutor(callers) as pool:
            made = dict(zip(order, pool.map(lambda place: run(opened, [texts[place]], pooling)[0], order), strict=True))
        return np.stack([made[place] for place in range(len(texts))])

    return encode


def batched(opened: onnxruntime.InferenceSession, pooling: str) -> Encode:
    """Texts of like length in one padded run, up to a budget of tokens."""

    def encode(texts: Sequence[Ids]) -> Vectors:
        order, made = sorted(range(len(texts)), key=lambda place: -len(texts[place])), {}
        while order:
            count = max(1, BATCH_TOKENS // len(texts[order[0]]))
            batch, order = order[:count], order[count:]
            made.update(zip(batch, run(opened, [texts[place] for place in batch], pooling), strict=True))
        return np.stack([made[place] for place in range(len(texts))])

    return encode


def run(opened: onnxruntime.InferenceSession, texts: Sequence[Ids], pooling: str) -> Vectors:
    """Unit vectors of one run, padded where lengths differ."""
    ids = np.zeros((len(texts), max(map(len, texts))), dtype=np.int64)
    given = dict(token_inputs(ids), attention_mask=np.zeros_like(ids))
    for row, text in enumerate(texts):
        ids[row, : len(text)], given["attention_mask"][row, : len(text)] = text, 1
    states = opened.run(None, {each.name: given[each.name] for each in opened.get_inputs()})[0]
    vectors = np.stack([POOLINGS[pooling](row[: len(text)]) for row, text in zip(states, texts, strict=True)])
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def dequantised(path: Path) -> bytes:
    """A dynamically quantised file with the same weights in float32: the exporter's graph as it was before."""
    model = onnx.load(str(path))
    graph, by_output = model.graph, {output: node for node in model.graph.node for output in node.output}
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "MatMulInteger"]:
        name = node.input[1].removesuffix("_quantized")
        weights = numpy_helper.to_array(tensors[f"{name}_quantized"]) * numpy_helper.to_array(tensors[f"{name}_scale"])
        graph.initializer.append(numpy_helper.from_array(weights.astype(np.float32), f"{name}_float"))
        scaled = next(
            n for n in graph.node if n.op_type == "Mul" and by_output.get(n.input[0], n).input[0] == node.output[0]
        )
        node.op_type, states = "MatMul", by_output[node.input[0]].input[0]
        del node.input[:], node.output[:]
        node.input.extend([states, f"{name}_float"])
        node.output.append(scaled.output[0])
        scaled.output[0] = f"{name}_unused"
    return _pruned(model)


def _pruned(model: onnx.ModelProto) -> bytes:
    graph, wanted, kept = model.graph, {output.name for output in model.graph.output}, []
    for node in reversed(list(graph.node)):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    left = [tensor for tensor in graph.initializer if tensor.name in wanted]
    del graph.initializer[:]
    graph.initializer.extend(left)
    return bytes(model.SerializeToString())
