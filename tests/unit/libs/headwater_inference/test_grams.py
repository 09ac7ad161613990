"""Runs of characters, in any script."""

from pathlib import Path

import numpy as np
import pytest
from headwater_inference.catalogue import open_encoder
from headwater_inference.grams import grams
from headwater_inference.ports import Encoder
from headwater_inference.registry import builtin
from headwater_inference.store import ModelStore
from headwater_inference.tokens import open_counter

SPEC = builtin().get("hash-grams")


@pytest.fixture
def encoder(tmp_path: Path) -> Encoder:
    return open_encoder(SPEC, ModelStore(tmp_path))


def cosine(encoder: Encoder, one: str, other: str) -> float:
    first, second = encoder.encode([encoder.tokenize(text)[0] for text in (one, other)])
    return float(first @ second)


def test_words_apart_give_runs_with_their_ends_and_others_characters_and_pairs() -> None:
    assert list(grams("The cat!")) == [" the", "the ", " cat", "cat "]
    assert list(grams("a")) == [" a "]
    assert list(grams("列表长")) == ["列", "表", "长", "列表", "表长"]
    assert list(grams("... !?")) == []


@pytest.mark.parametrize(
    ("asked", "near", "far"),
    [
        ("how lists grow", "a growing list", "the weather in autumn"),
        ("列表如何增长", "列表的增长方式", "秋天的天气"),
        ("как растёт список", "рост списков", "погода осенью"),
    ],
)
def test_texts_that_share_runs_are_near_in_every_script(encoder: Encoder, asked: str, near: str, far: str) -> None:
    assert cosine(encoder, asked, near) > cosine(encoder, asked, far) + 0.1


def test_vectors_are_the_same_on_every_machine(encoder: Encoder) -> None:
    (vector,) = encoder.encode([encoder.tokenize("a list")[0]])
    assert np.flatnonzero(np.abs(vector) > 0.1)[:4].tolist() == [24, 50, 131, 151]
    assert SPEC.model_id == "9d9161097d870f9b"


def test_what_is_over_the_window_is_cut(encoder: Encoder) -> None:
    ids, is_cut = encoder.tokenize("word " * 2_000)
    assert (len(ids), is_cut) == (SPEC.max_tokens, True)


def test_a_token_is_a_letter_so_that_chunks_fit_the_window(tmp_path: Path) -> None:
    assert open_counter(SPEC, ModelStore(tmp_path)).count("a list, 列表") == 7
