"""Exporting, as far as it goes without the extra; with it, see tests/integration/test_export.py."""

import sys
from pathlib import Path

import pytest
from headwater_inference.export import main

OPTIONS = ("--licence", "MIT", "--out")


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main([str(tmp_path), *OPTIONS, str(tmp_path / "out")]) == 1
    assert "pip install 'headwater-inference[export]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_exists_is_not_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), *OPTIONS, str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
