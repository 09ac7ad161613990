import dataclasses
import string
from pathlib import Path
from typing import Any

import pytest
from headwater_inference.registry import USER_FILE, ModelFile, ModelSpec, Rows, Wheel, added, builtin, known, parse
from headwater_kit.core.errors import Misconfigured
from hypothesis import given
from hypothesis import strategies as st

SPEC = builtin().get("bge-small-en-v1.5-int8")
DEFAULT = builtin().get("bge-small-en-v1.5-int8-rows")
WORDS = st.text(string.ascii_lowercase + " :", max_size=12)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
# What a vector depends on, and what it does not.
MEANING: dict[str, st.SearchStrategy[Any]] = {
    "weights": HASHES,
    "tokenizer": HASHES,
    "dimension": st.integers(1, 4096),
    "max_tokens": st.integers(1, 8192),
    "pooling": WORDS,
    "normalisation": WORDS,
    "precision": WORDS,
    "query_prefix": WORDS,
    "passage_prefix": WORDS,
}
ORIGIN: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["a", "b.c"]),
    "source": WORDS,
    "licence": WORDS,
    "languages": st.lists(WORDS, max_size=2).map(tuple),
    "wheel": st.sampled_from([None, Wheel("p", "1", "", 1)]),
    "path": WORDS,
}
ENTRY = """
[[models]]
name = "mine"
runtime = "hash"
source = "me"
licence = "MIT"
dimension = 8
max_tokens = 32
pooling = "mean"
normalisation = "l2"
precision = "float32"
"""


def spec_of(values: dict[str, Any]) -> ModelSpec:
    plain = dict(values)
    weights, tokenizer, path = plain.pop("weights"), plain.pop("tokenizer"), plain.pop("path")
    files = {
        "weights": ModelFile("model.onnx", path, weights, 1),
        "tokenizer": ModelFile("tokenizer.json", path, tokenizer, 1),
    }
    return ModelSpec(runtime="onnx", files=files, **plain)


def test_no_name_means_the_english_default() -> None:
    assert builtin().get("") == builtin().get("english") == DEFAULT


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match="hash-words"):
        builtin().get("no-such-model")


def test_the_model_id_stays_the_same_as_long_as_vectors_do() -> None:
    # Collections are named by it: a change here orphans every index in the field.
    assert SPEC.model_id == "c4c16687b3222ab5"
    assert DEFAULT.model_id == "bc13da2bc4ba65fc"
    assert builtin().get("hash-words").model_id == "1cc817d504e290fe"


@given(st.fixed_dictionaries(MEANING | ORIGIN), st.fixed_dictionaries(MEANING | ORIGIN))
def test_the_model_id_changes_with_all_that_changes_a_vector_and_with_nothing_else(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    for key in MEANING:
        changed = spec_of(one | {key: other[key]})
        assert (changed.model_id == spec_of(one).model_id) == (one[key] == other[key]), key
    elsewhere = spec_of(one | {key: other[key] for key in ORIGIN})
    assert elsewhere.model_id == spec_of(one).model_id


def test_a_prefix_counts_for_what_it_goes_before() -> None:
    query = dataclasses.replace(SPEC, query_prefix="text: ", passage_prefix="")
    passage = dataclasses.replace(SPEC, query_prefix="", passage_prefix="text: ")
    assert query.model_id != passage.model_id


@pytest.mark.parametrize("change", [{"heads": 6}, {"outliers": (1, 2)}, {"outliers": ()}])
def test_how_weights_are_run_by_row_is_a_part_of_the_id(change: dict[str, Any]) -> None:
    assert DEFAULT.rows is not None
    changed = dataclasses.replace(DEFAULT, rows=dataclasses.replace(DEFAULT.rows, **change))
    assert changed.model_id != DEFAULT.model_id


def test_the_order_of_outliers_changes_nothing() -> None:
    assert DEFAULT.rows is not None
    backwards = dataclasses.replace(DEFAULT.rows, outliers=DEFAULT.rows.outliers[::-1])
    assert dataclasses.replace(DEFAULT, rows=backwards).model_id == DEFAULT.model_id


@pytest.mark.parametrize("change", [{"rows": None}, {"precision": "int8-dynamic"}, {"rows": Rows(12, (384,))}])
def test_rows_go_with_their_precision_and_fit_the_model(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rows|outliers"):
        dataclasses.replace(DEFAULT, **change)


def test_model_ids_are_unique() -> None:
    ids = [spec.model_id for spec in builtin().models.values()]
    assert len(set(ids)) == len(ids)


def test_every_shipped_model_with_files_is_pinned_to_a_place() -> None:
    for spec in builtin().models.values():
        assert bool(spec.files) == bool(spec.wheel or spec.url), spec.name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("models = ", "cannot be read: Invalid value"),
        ("colour = 1", "colour"),
        ('[defaults]\nfrench = "mine"', "french"),
        (ENTRY.replace("dimension = 8\n", ""), "models.0.dimension"),
        (ENTRY.replace("8", '"many"'), "models.0.dimension"),
        (ENTRY.replace("8", "0"), "must be positive"),
        (ENTRY.replace('"hash"', '"torch"'), "models.0.runtime"),
        (ENTRY.replace('"hash"', '"onnx"'), "mine needs both files.weights and files.tokenizer"),
        (ENTRY.replace('"mine"', '"../mine"'), "cannot be a model's name"),
        (ENTRY.replace('"mine"', '"multilingual"'), "cannot be a model's name"),
        (ENTRY + 'shape = "round"', "models.0.shape"),
        (ENTRY + ENTRY, "mine twice"),
        (ENTRY + '[models.files.weights]\nname = "../a"\npath = ""\nsize_bytes = 1\nsha256 = "ab"', "plain name"),
        (
            ENTRY + 'url = "u"\n[models.wheel]\npackage = "p"\nversion = "1"\nsha256 = ""\nsize_bytes = 1',
            "not from both",
        ),
    ],
)
def test_a_broken_registry_is_refused_and_says_where(text: str, why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        parse(text)


def test_without_a_file_of_the_user_the_shipped_models_are_known(tmp_path: Path) -> None:
    assert added(tmp_path).models == {}
    assert known(tmp_path) == builtin()


def test_a_users_file_adds_models_and_chooses_defaults(tmp_path: Path) -> None:
    (tmp_path / USER_FILE).write_text(f'[defaults]\nmultilingual = "mine"\n{ENTRY}')
    registry = known(tmp_path)
    assert registry.get("multilingual") == registry.get("mine")
    assert registry.get("") == DEFAULT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (ENTRY.replace("mine", "hash-words"), "hash-words is in the registry already"),
        ('[defaults]\nmultilingual = "nothing"', "'nothing', which is no model"),
        ("[[models]]", USER_FILE),
    ],
)
def test_a_users_file_that_does_not_fit_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / USER_FILE).write_text(text)
    with pytest.raises(Misconfigured, match=why):
        known(tmp_path)


def test_a_users_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / USER_FILE).mkdir()
    with pytest.raises(Misconfigured, match=USER_FILE):
        known(tmp_path)
