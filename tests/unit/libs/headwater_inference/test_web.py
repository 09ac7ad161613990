"""Files by HTTP, from a real server on this machine."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from headwater_inference.catalogue import open_encoder
from headwater_inference.download import Progress, silent
from headwater_inference.registry import USER_FILE, known
from headwater_inference.settings import ModelSettings
from headwater_inference.store import STAGE_PREFIX, ModelStore
from headwater_inference.web import download_file
from headwater_kit.core.errors import Misconfigured, Unavailable
from unit.libs.headwater_inference.tiny_model import DIMENSION, write_folder


class Hub(http.server.ThreadingHTTPServer):
    """Files by path; a number instead of a file is the status to answer with."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files: dict[str, bytes | int] = {}
        self.asked: list[str] = []
        self.breaks_off_at: int | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path, 404)
        if isinstance(content, int):
            self.send_error(content)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.breaks_off_at])

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def root(tmp_path: Path, hub: Hub) -> Path:
    """A model folder whose registry names a model at the hub."""
    folder = write_folder(tmp_path / "made")
    entries = ""
    for role, name in (("weights", "model.onnx"), ("tokenizer", "tokenizer.json")):
        content = (folder / name).read_bytes()
        hub.files[f"/org/tiny/resolve/abc/onnx/{name}"] = content
        sha256 = hashlib.sha256(content).hexdigest()
        entries += f"""
[models.files.{role}]
name = "{name}"
path = "onnx/{name}"
sha256 = "{sha256}"
size_bytes = {len(content)}
"""
    root = tmp_path / "models"
    root.mkdir()
    (root / USER_FILE).write_text(f"""
[defaults]
multilingual = "tiny"

[[models]]
name = "tiny"
runtime = "onnx"
source = "org/tiny"
licence = "MIT"
dimension = {DIMENSION}
max_tokens = 32
pooling = "mean"
normalisation = "l2"
precision = "float32"
url = "{{hub}}/org/tiny/resolve/abc/{{path}}"
{entries}""")
    return root


def test_a_model_comes_from_the_hub_once_and_is_verified(root: Path, hub: Hub) -> None:
    settings = ModelSettings(encoder="multilingual", model_dir=root, model_hub=f"{hub.address}/")
    for _ in range(2):
        encoder = open_encoder(settings.model_spec(), settings.model_store())
        assert encoder.encode([encoder.tokenize("text")[0]]).shape == (1, DIMENSION)
    assert hub.asked == ["/org/tiny/resolve/abc/onnx/model.onnx", "/org/tiny/resolve/abc/onnx/tokenizer.json"]


def test_a_file_with_another_hash_is_not_kept(root: Path, hub: Hub) -> None:
    path = "/org/tiny/resolve/abc/onnx/model.onnx"
    content = hub.files[path]
    assert isinstance(content, bytes)
    hub.files[path] = content[:-1] + bytes([content[-1] ^ 1])
    store, spec = ModelStore(root, hub=hub.address), known(root).get("tiny")
    with pytest.raises(Misconfigured, match="does not match its pin: sha256"):
        store.ensure(spec)
    assert not store.has(spec)
    assert list(root.glob(f"{STAGE_PREFIX}*")) == []


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (404, Misconfigured, "404"),
        (401, Misconfigured, "HEADWATER_MODEL_HUB"),
        (503, Unavailable, "try again later"),
        (429, Unavailable, "try again later"),
    ],
)
def test_what_the_server_says_decides_whether_to_come_back(
    hub: Hub, tmp_path: Path, status: int, error: type[Exception], said: str
) -> None:
    hub.files["/file"] = status
    with pytest.raises(error, match=said):
        download_file(f"{hub.address}/file", tmp_path / "file", 10, silent)


def test_more_than_was_promised_is_not_read(hub: Hub, tmp_path: Path) -> None:
    hub.files["/file"] = b"x" * 100
    with pytest.raises(Misconfigured, match="more than the 99 bytes"):
        download_file(f"{hub.address}/file", tmp_path / "file", 99, silent)


def test_a_line_that_breaks_off_is_not_the_files_fault(hub: Hub, tmp_path: Path) -> None:
    hub.files["/file"] = b"x" * 100
    hub.breaks_off_at = 60
    with pytest.raises(Unavailable, match="40 more expected"):
        download_file(f"{hub.address}/file", tmp_path / "file", 100, silent)


def test_progress_is_reported_and_can_stop_it(hub: Hub, tmp_path: Path) -> None:
    hub.files["/file"] = b"x" * 100
    seen: list[Progress] = []
    download_file(f"{hub.address}/file", tmp_path / "file", 100, seen.append)
    assert seen[-1] == Progress("downloading", 100, 100)

    def stop(_: Progress) -> None:
        raise Unavailable("stopping")

    with pytest.raises(Unavailable, match="stopping"):
        download_file(f"{hub.address}/file", tmp_path / "file", 100, stop)


def test_a_server_that_is_not_there_may_come_back(hub: Hub, tmp_path: Path) -> None:
    hub.server_close()
    with pytest.raises(Unavailable, match="HEADWATER_MODEL_HUB"):
        download_file(f"{hub.address}/file", tmp_path / "file", 10, silent)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/file", "onnx/model.onnx"])
def test_nothing_but_http_is_opened(url: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no http address"):
        download_file(url, tmp_path / "file", 1_000, silent)
