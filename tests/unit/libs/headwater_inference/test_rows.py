import dataclasses
import importlib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from headwater_inference.bert import Bert, read_bert
from headwater_inference.graph import FloatProducts, Products, bert_graph
from headwater_inference.rows import RowProducts
from headwater_inference.session import open_session
from headwater_kit.core.errors import Misconfigured

tiny = importlib.import_module("unit.libs.headwater_inference.tiny_bert")
BERT: Bert = tiny.tiny_bert()
TEXTS = [np.random.default_rng(seed).integers(0, tiny.WORDS, (1, length)) for seed, length in enumerate((1, 2, 7, 40))]


def states(products: Products, bert: Bert = BERT, *, first_only: bool = False) -> list[np.ndarray]:
    session = open_session(bert_graph(bert, tiny.HEADS, products, first_only=first_only))
    return [session.run(None, {"input_ids": ids})[0][0] for ids in TEXTS]


def error(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    return float(np.mean([np.abs(one - other).mean() for one, other in zip(found, expected, strict=True)]))


def by_hand(ids: np.ndarray, bert: Bert = BERT) -> np.ndarray:
    """The same network in numpy."""

    def norm(x: np.ndarray, n: object) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * n.gain + n.shift  # type: ignore[attr-defined]

    def times(x: np.ndarray, linear: object) -> np.ndarray:
        return x @ (linear.weights * linear.scales) + linear.bias  # type: ignore[attr-defined]

    def split(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), tiny.HEADS, -1).transpose(1, 0, 2)

    erf = np.vectorize(importlib.import_module("math").erf)
    x = norm(bert.words.floats()[ids[0]] + bert.positions.floats()[: ids.shape[1]] + bert.kinds.floats()[0], bert.norm)
    for layer in bert.layers:
        query, key, value = (split(times(x, part)) for part in (layer.query, layer.key, layer.value))
        scores = np.exp(query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1]))
        mixed = (scores / scores.sum(-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(x.shape)
        x = norm(times(mixed, layer.mixed) + x, layer.mixed_norm)
        inner = times(x, layer.inner)
        x = norm(times(inner * (1 + erf(inner / np.sqrt(2))) / 2, layer.outer) + x, layer.outer_norm)
    return x


def test_the_graph_is_the_network() -> None:
    for found, ids in zip(states(FloatProducts()), TEXTS, strict=True):
        assert np.abs(found - by_hand(ids)).max() < 1e-3


@pytest.mark.parametrize("products", [FloatProducts, lambda: RowProducts(tiny.DIMENSION, tiny.OUTLIERS)])
def test_the_first_state_alone_is_the_first_of_all(products: type[FloatProducts]) -> None:
    for first, everything in zip(states(products(), first_only=True), states(products()), strict=True):
        assert first.shape == (1, tiny.DIMENSION)
        assert np.abs(first - everything[:1]).max() < 1e-4


def test_products_by_row_are_near_float32_and_nearer_with_outliers_halved() -> None:
    exact = states(FloatProducts())
    plain, halved = (error(states(RowProducts(tiny.DIMENSION, out)), exact) for out in ((), tiny.OUTLIERS))
    assert halved < plain < 0.05 * np.mean([np.abs(state).mean() for state in exact])


def test_a_rows_state_does_not_depend_on_other_rows_scales() -> None:
    # With one scale for all, a token of large states would coarsen its neighbours'.
    bert = dataclasses.replace(BERT, layers=())
    found = states(RowProducts(tiny.DIMENSION), bert)
    assert all(np.allclose(one, other) for one, other in zip(found, states(FloatProducts(), bert), strict=True))


def test_kernels_for_a_cpu_without_vnni_give_the_same() -> None:
    def careful(model: bytes, options: onnxruntime.SessionOptions, **rest: object) -> onnxruntime.InferenceSession:
        options.add_session_config_entry("session.x64quantprecision", "1")
        return onnxruntime.InferenceSession(model, options, **rest)

    graph = bert_graph(BERT, tiny.HEADS, RowProducts(tiny.DIMENSION, tiny.OUTLIERS), first_only=False)
    for ids in TEXTS:
        one, other = (open_session(graph, make=make).run(None, {"input_ids": ids})[0] for make in (None, careful))
        assert np.allclose(one, other, atol=1e-4)


def test_the_same_weights_give_the_same_bytes() -> None:
    graphs = [
        bert_graph(tiny.tiny_bert(), tiny.HEADS, RowProducts(tiny.DIMENSION, tiny.OUTLIERS), first_only=True)
        for _ in range(2)
    ]
    assert graphs[0] == graphs[1]


def test_weights_without_room_for_outliers_are_refused() -> None:
    states(RowProducts(tiny.DIMENSION), tiny.tiny_bert(bits=8))
    with pytest.raises(Misconfigured, match="7 bits"):
        states(RowProducts(tiny.DIMENSION, tiny.OUTLIERS), tiny.tiny_bert(bits=8))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    tiny.write(BERT, tmp_path / "model.onnx")
    read = read_bert(tmp_path / "model.onnx")
    made = [bert_graph(bert, tiny.HEADS, RowProducts(tiny.DIMENSION), first_only=False) for bert in (BERT, read)]
    assert made[0] == made[1]


@pytest.mark.parametrize("content", [b"", b"no model"])
def test_a_file_that_is_no_bert_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(Misconfigured, match="no BERT"):
        read_bert(tmp_path / "model.onnx")
