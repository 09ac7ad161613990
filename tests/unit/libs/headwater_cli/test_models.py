"""`headwater models`, from the command line to a model folder."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from headwater_cli.main import main
from headwater_inference.registry import known
from headwater_inference.store import ModelStore
from unit.libs.headwater_inference.tiny_model import onnx_bytes, write_folder

Headwater = Callable[..., tuple[Any, str, str]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADWATER_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.delenv("HEADWATER_ENCODER", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "models"


@pytest.fixture
def headwater(root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Headwater:
    """Runs the command; returns its exit code, its output and its complaint."""

    def call(*arguments: str) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["headwater", "models", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return ended.value.code, printed.out, printed.err

    return call


def test_the_list_says_what_is_known_here_and_used(
    headwater: Headwater, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headwater("add", str(write_folder(tmp_path / "mine")), "--language", "de", "--default", "multilingual")
    monkeypatch.setenv("HEADWATER_ENCODER", "multilingual")
    code, out, _ = headwater("list")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["bge-small-en-v1.5-int8", "c4c16687b3222ab5", "en", "int8-dynamic", "no"] in lines
    assert next(line for line in lines if line[:2] == ["*", "tiny"])[3:] == ["de", "float32", "yes"]
    assert "english is bge-small-en-v1.5-int8-rows, multilingual is tiny" in out


def test_the_list_says_what_there_is_where_the_setting_names_nothing_of_it(
    headwater: Headwater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_ENCODER", "multilingual")
    code, out, err = headwater("list")
    assert (code, "bge-small-en-v1.5-int8-rows" in out) == (0, True)
    assert "no model here is the multilingual one" in err
    assert json.loads(headwater("list", "--json")[1])["used"] is None


def test_the_list_for_machines(headwater: Headwater, root: Path, tmp_path: Path) -> None:
    headwater("add", str(write_folder(tmp_path / "mine")))
    told = json.loads(headwater("list", "--json")[1])
    assert (told["folder"], told["used"]) == (str(root), "bge-small-en-v1.5-int8-rows")
    by_name = {model["name"]: model for model in told["models"]}
    assert by_name["bge-small-en-v1.5-int8-rows"]["default"] == ["english"]
    assert [(by_name[name]["here"], by_name[name]["added"]) for name in ("tiny", "bge-small-en-v1.5-int8")] == [
        (True, True),
        (False, False),
    ]


def test_an_added_model_is_told_with_how_to_use_it(headwater: Headwater, root: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine", manifest="")
    options = "--name own --pooling mean --max-tokens 32 --precision float32 --licence MIT --passage-prefix passage:"
    code, out, _ = headwater("add", str(folder), *options.split())
    spec = known(root).get("own")
    assert code == 0
    assert f"own {spec.model_id}: 8 dimensions, in {ModelStore(root).folder(spec)}" in out
    assert "HEADWATER_ENCODER=own" in out
    assert "headwater reindex --model own" in out
    assert spec.passage_prefix == "passage:"
    told = json.loads(headwater("add", str(folder), *options.split(), "--json")[1])
    assert told["model_id"] == spec.model_id


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "give --name, --licence, --max-tokens, --pooling, --precision"),
        (("--default", "french"), "say english or multilingual"),
    ],
)
def test_what_is_not_clear_is_one_line_that_says_what_to_give(
    headwater: Headwater, tmp_path: Path, options: tuple[str, ...], why: str
) -> None:
    code, _, err = headwater("add", str(write_folder(tmp_path / "mine", manifest="")), *options)
    assert (code, err.count("\n")) == (1, 1)
    assert why in err


def test_a_pulled_model_is_verified(headwater: Headwater, root: Path, tmp_path: Path) -> None:
    headwater("add", str(write_folder(tmp_path / "mine")))
    code, out, _ = headwater("pull", "tiny")
    assert (code, out.strip().endswith("verified")) == (0, True)
    assert set(json.loads(headwater("pull", "tiny", "--json")[1])["files"]) == {"weights", "tokenizer"}
    spec = known(root).get("tiny")
    (ModelStore(root).folder(spec) / "model.onnx").write_bytes(onnx_bytes(rows=301))
    code, _, err = headwater("pull", "tiny")
    assert code == 1
    assert "does not match its pin: sha256 is" in err


def test_a_model_without_files_has_none_to_pull(headwater: Headwater, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_ENCODER", "hash-words")
    code, out, _ = headwater("pull")
    assert (code, "has no files to fetch" in out) == (0, True)


def test_an_unknown_model_is_answered_with_the_known_ones(headwater: Headwater) -> None:
    code, _, err = headwater("pull", "nothing")
    assert (code, err.count("\n")) == (1, 1)
    assert "no model is called 'nothing': choose one of bge-small-en-v1.5-int8, " in err


def test_exporting_is_a_process_of_its_own(headwater: Headwater, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    code, _, _ = headwater("export", "folder", "--out", "there", "--precision", "int8")
    assert code == 3
    assert ran == [[sys.executable, "-m", "headwater_inference.export", *"folder --out there --precision int8".split()]]
