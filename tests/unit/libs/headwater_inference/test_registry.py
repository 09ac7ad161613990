import dataclasses

import pytest
from headwater_inference.registry import builtin, parse
from headwater_kit.core.errors import Misconfigured

SPEC = builtin().get("bge-small-en-v1.5-int8")


def test_no_name_means_the_default() -> None:
    assert builtin().get("") == builtin().models[builtin().default]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match="hash-words"):
        builtin().get("no-such-model")


def test_the_model_id_stays_the_same_as_long_as_vectors_do() -> None:
    # Collections are named by it: a change here orphans every index in the field.
    assert SPEC.model_id == "c4c16687b3222ab5"
    assert dataclasses.replace(SPEC, name="x", source="y", licence="z", wheel=None).model_id == SPEC.model_id


@pytest.mark.parametrize(
    "change",
    [
        {"pooling": "mean"},
        {"normalisation": "none"},
        {"precision": "float32"},
        {"query_prefix": ""},
        {"max_tokens": 256},
        {"files": {}},
    ],
)
def test_whatever_changes_a_vector_changes_the_model_id(change: dict[str, object]) -> None:
    assert dataclasses.replace(SPEC, **change).model_id != SPEC.model_id  # type: ignore[arg-type]


def test_model_ids_are_unique() -> None:
    ids = [spec.model_id for spec in builtin().models.values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "text", ["default = ", "models = []", 'default = "x"\nmodels = [{name = "x"}]', 'default = "x"\nmodels = []']
)
def test_a_broken_registry_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured):
        parse(text)
