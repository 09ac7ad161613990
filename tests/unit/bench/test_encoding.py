"""The bench of encoders: that what it compares is comparable, and that it counts right."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from headwater_inference.graph import FloatProducts, bert_graph

candidates = importlib.import_module("candidates")
encode = importlib.import_module("encode")
weights = importlib.import_module("weights")
tiny = importlib.import_module("unit.libs.headwater_inference.tiny_bert")


def test_vectors_overlap_with_themselves_and_by_chance_with_others() -> None:
    rng = np.random.default_rng(7)
    some, others = rng.normal(size=(2, 200, 16))
    assert encode.overlap(some, some) == 1.0
    assert encode.overlap(some, others) < 0.2
    assert 0.5 < encode.overlap(some, some + 0.1 * others) < 1.0


def test_every_candidate_is_the_same_network() -> None:
    model = candidates.Model(tiny.tiny_bert(), tiny.HEADS, "mean", tiny.OUTLIERS)
    texts = [list(range(length)) for length in (3, 9, 30)]
    made = {name: make() for name, make in candidates.candidates(model).items() if "block 128" not in name}
    reference = made[encode.REFERENCE](texts)
    assert reference.shape == (3, tiny.DIMENSION)
    for name, way in made.items():
        assert (way(texts) * reference).sum(axis=1).min() > 0.99, name


def test_longest_first_changes_no_order_of_results() -> None:
    graph = bert_graph(tiny.tiny_bert(), tiny.HEADS, FloatProducts(), first_only=True)
    way = candidates.alone(candidates.session(graph, 1), "cls", 2)
    texts = [[1], [2, 3, 4, 5], [6, 7]]
    assert np.allclose(way(texts), np.concatenate([way([text]) for text in texts]), atol=1e-5)


def test_tensors_are_read_from_their_file(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    header = {"__metadata__": {}, "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
    head = json.dumps(header).encode()
    (tmp_path / "f").write_bytes(len(head).to_bytes(8, "little") + head + array.tobytes())
    assert (weights.safetensors(tmp_path / "f")["a"] == array).all()


def test_weights_quantised_here_are_near_their_floats() -> None:
    floats = {"x.weight": np.random.default_rng(7).normal(size=(8, 4)).astype(np.float32), "x.bias": np.zeros(8)}
    linear = weights._linear(floats, "x")
    assert linear.weights.shape == (4, 8)
    assert np.abs(linear.weights).max() == 64
    assert np.abs(linear.weights * linear.scales - floats["x.weight"].T).max() <= linear.scales.max() / 2 + 1e-6


def test_the_bench_of_serving_says_what_it_measures(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module("serving").parse(["--help"])
    assert ended.value.code == 0
    assert "python bench/serving.py" in capsys.readouterr().out
