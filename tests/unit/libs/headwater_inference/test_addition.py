from pathlib import Path

import pytest
from headwater_inference.addition import add_model, read_manifest
from headwater_inference.catalogue import open_encoder
from headwater_inference.registry import USER_FILE, ModelSpec, known
from headwater_inference.settings import ModelSettings
from headwater_inference.store import STAGE_PREFIX, ModelStore
from headwater_inference.tokens import open_counter
from headwater_kit.core.errors import InvalidInput, Misconfigured
from unit.libs.headwater_inference.tiny_model import DIMENSION, MANIFEST, onnx_bytes, write_folder


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "mine")


def add(folder: Path, store: ModelStore, stand_for: str = "", **given: object) -> ModelSpec:
    return add_model(folder, read_manifest(folder, given), store, stand_for)


def test_what_is_added_can_be_opened_without_the_folder_it_came_from(folder: Path, store: ModelStore) -> None:
    spec = add(folder, store)
    for path in folder.iterdir():
        path.unlink()
    found = known(store.root).get("tiny")
    assert found == spec
    assert (spec.dimension, spec.runtime, spec.kind) == (DIMENSION, "onnx", "encoder")
    encoder = open_encoder(found, ModelStore(store.root))
    assert encoder.encode([encoder.tokenize("text")[0]]).shape == (1, DIMENSION)
    assert open_counter(found, store).count("text") == 4
    assert list(store.root.glob(f"{STAGE_PREFIX}*")) == []


def test_what_is_added_is_a_setting_away(folder: Path, store: ModelStore) -> None:
    add(folder, store)
    assert ModelSettings(encoder="tiny", model_dir=store.root).model_spec().name == "tiny"


def test_a_word_can_stand_for_it(folder: Path, store: ModelStore) -> None:
    with pytest.raises(Misconfigured, match="--default multilingual"):
        known(store.root).get("multilingual")
    add(folder, store, "multilingual")
    assert known(store.root).get("multilingual").name == "tiny"
    assert known(store.root).get("english").name == "bge-small-en-v1.5-int8-rows"


def test_options_go_before_the_manifest(folder: Path, store: ModelStore) -> None:
    spec = add(folder, store, name="other", query_prefix="query: ", passage_prefix="passage: ", languages=["de", "en"])
    assert known(store.root).get("other") == spec
    assert (spec.query_prefix, spec.passage_prefix, spec.languages) == ("query: ", "passage: ", ("de", "en"))


def test_adding_the_same_again_changes_nothing(folder: Path, store: ModelStore) -> None:
    spec = add(folder, store)
    written = (store.root / USER_FILE).read_bytes()
    assert add(folder, store) == spec
    assert (store.root / USER_FILE).read_bytes() == written


def test_another_model_does_not_take_a_name(folder: Path, store: ModelStore) -> None:
    add(folder, store)
    with pytest.raises(InvalidInput, match="--name"):
        add(folder, store, pooling="cls")
    with pytest.raises(InvalidInput, match="--name"):
        add(folder, store, name="hash-words")
    assert known(store.root).get("tiny").pooling == "mean"


def test_what_the_user_wrote_into_the_file_stays(folder: Path, store: ModelStore) -> None:
    store.root.mkdir()
    (store.root / USER_FILE).write_text('# mine\n[defaults]\nenglish = "hash-words"  # for now\n')
    add(folder, store, "multilingual")
    add(folder, store, name="another")
    text = (store.root / USER_FILE).read_text()
    assert "# mine" in text
    assert "# for now" in text
    registry = known(store.root)
    assert [registry.get(word).name for word in ("english", "multilingual", "another")] == [
        "hash-words",
        "tiny",
        "another",
    ]


def test_a_broken_file_of_the_user_is_named_and_left_alone(folder: Path, store: ModelStore) -> None:
    store.root.mkdir()
    (store.root / USER_FILE).write_text("models = 3")
    with pytest.raises(Misconfigured, match=USER_FILE):
        add(folder, store)
    assert (store.root / USER_FILE).read_text() == "models = 3"


@pytest.mark.parametrize("key", ["name", "licence", "max_tokens", "pooling", "precision"])
def test_what_is_not_clear_is_asked_for(tmp_path: Path, key: str) -> None:
    kept = "\n".join(line for line in MANIFEST.splitlines() if not line.startswith(f"{key} "))
    with pytest.raises(InvalidInput, match=f"--{key.replace('_', '-')}"):
        read_manifest(write_folder(tmp_path / "mine", kept), {})


@pytest.mark.parametrize("line", ['colour = "red"', "weights = 3", "languages = "])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidInput, match=r"model\.toml"):
        read_manifest(write_folder(tmp_path / "mine", f"{MANIFEST}\n{line}"), {})


@pytest.mark.parametrize(
    ("weights", "given", "why"),
    [
        (onnx_bytes(("input_ids", "position_ids")), {}, "position_ids"),
        (onnx_bytes(("words",)), {}, "input_ids must be among them"),
        (onnx_bytes(pooled=True), {}, "without its pooling"),
        (onnx_bytes(rows=20), {}, "cannot be run"),
        (onnx_bytes(), {"pooling": "max"}, "max"),
        (onnx_bytes(), {"pooling": "cls"}, "the same vector"),
        (onnx_bytes(), {"name": "../up"}, "cannot be a model's name"),
        (onnx_bytes(), {"name": "english"}, "cannot be a model's name"),
        (onnx_bytes(), {"weights": "other.onnx"}, "other.onnx"),
        (b"no model", {}, "cannot be loaded"),
    ],
)
def test_what_cannot_be_served_is_refused_and_leaves_nothing(
    tmp_path: Path, store: ModelStore, weights: bytes, given: dict[str, str], why: str
) -> None:
    folder = write_folder(tmp_path / "mine", weights=weights)
    with pytest.raises((InvalidInput, Misconfigured), match=why):
        add(folder, store, **given)
    assert [path.name for path in store.root.iterdir()] in ([], [".lock"])


def test_a_folder_without_a_tokenizer_is_refused(folder: Path, store: ModelStore) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InvalidInput, match=r"tokenizer\.json"):
        add(folder, store)


def test_a_copied_model_folder_works_on_another_machine(folder: Path, store: ModelStore, tmp_path: Path) -> None:
    add(folder, store)
    moved = store.root.rename(tmp_path / "elsewhere")
    open_encoder(known(moved).get("tiny"), ModelStore(moved))


def test_an_added_model_whose_files_are_gone_says_how_to_get_them(folder: Path, store: ModelStore) -> None:
    spec = add(folder, store)
    (store.folder(spec) / "model.onnx").unlink()
    with pytest.raises(Misconfigured, match="headwater models add"):
        store.ensure(spec)


def test_a_changed_file_is_refused(folder: Path, store: ModelStore) -> None:
    spec = add(folder, store)
    (store.folder(spec) / "model.onnx").write_bytes(onnx_bytes(rows=301))
    with pytest.raises(Misconfigured, match="does not match its pin"):
        open_encoder(spec, store)
