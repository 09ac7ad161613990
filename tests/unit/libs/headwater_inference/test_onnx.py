"""An encoder over a model of a few kilobytes; the real one is in tests/integration."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from headwater_inference.addition import add_model, read_manifest
from headwater_inference.onnx import OnnxEncoder
from headwater_inference.store import ModelStore
from headwater_kit.core.errors import Permanent
from unit.libs.headwater_inference.tiny_model import DIMENSION, write_folder


class Faulty:
    """A session whose token states are all the same number."""

    def __init__(self, number: float) -> None:
        self._number = number

    def run(self, _: None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [np.full((1, inputs["input_ids"].shape[1], DIMENSION), self._number, dtype=np.float32)]


@pytest.mark.parametrize("number", [0.0, np.nan, np.inf])
def test_what_is_no_vector_reaches_neither_cache_nor_index(tmp_path: Path, number: float) -> None:
    folder = write_folder(tmp_path / "mine")
    store = ModelStore(tmp_path / "models")
    spec = add_model(folder, read_manifest(folder, {}), store)
    encoder = OnnxEncoder(spec, store.ensure(spec))
    encoder._session = Faulty(number)  # as the weights of a worse model would make it
    with pytest.raises(Permanent, match="no vector") as refused:
        encoder.encode([[0, 5, 1]])
    assert refused.value.reason == "NO_VECTOR"
