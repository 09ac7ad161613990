import dataclasses
from pathlib import Path

import pytest
from headwater_inference.catalogue import open_encoder, open_reranker
from headwater_inference.device import Device
from headwater_inference.registry import builtin
from headwater_inference.store import ModelStore
from headwater_kit.core.errors import Misconfigured

WORDS = builtin().get("hash-words")


def test_a_reranker_is_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="hash-words is a reranker"):
        open_encoder(dataclasses.replace(WORDS, kind="reranker"), ModelStore(tmp_path))


def test_an_encoder_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="hash-words is an encoder"):
        open_reranker(WORDS, ModelStore(tmp_path))


def test_a_model_without_weights_runs_where_it_is(tmp_path: Path) -> None:
    assert open_encoder(WORDS, ModelStore(tmp_path)).card.name == "hash-words"


def test_a_model_without_weights_cannot_use_a_gpu(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="HEADWATER_DEVICE"):
        open_encoder(WORDS, ModelStore(tmp_path), device=Device.CUDA)
