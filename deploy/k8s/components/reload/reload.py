"""Runs a command, and again whenever a file below a folder changes: `python reload.py FOLDER COMMAND...`.

The first process of a development pod. The folder begins as a copy of the image's own packages, for a package that is
there in part hides the rest. Standard library only, since it runs in any of the images.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

LOOK_SECONDS = 0.5
# After a change, until files are whole and no more of them come.
CALM_SECONDS = 0.5
STOP_SECONDS = 25.0


def seed(folder: Path) -> None:
    """Copies what is not there yet, without bytecode: that of the image is not checked against its sources."""
    for package in Path(sysconfig.get_path("purelib")).glob("headwater*"):
        if not package.name.endswith(".dist-info") and not (folder / package.name).exists():
            shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))


def state(folder: Path) -> frozenset[tuple[str, int]]:
    """What tells one state of the folder from another."""
    return frozenset((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*.py"))


def stop(running: "subprocess.Popen[bytes]") -> int:
    """Has it drain, and ends it if it does not."""
    running.send_signal(signal.SIGTERM)
    try:
        return running.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        running.kill()
        return running.wait()


def changed(running: "subprocess.Popen[bytes]", folder: Path, seen: frozenset[tuple[str, int]]) -> bool:
    """Returns at a change, or False once the command has ended by itself."""
    while state(folder) == seen:
        if running.poll() is not None:
            return False
        time.sleep(LOOK_SECONDS)
    time.sleep(CALM_SECONDS)
    return True


def main(folder: Path, command: list[str]) -> int:
    """Returns the code of the command where that ends by itself, or at a signal."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(stop(running)))
    seed(folder)
    # Bytecode of what has not changed is kept for the next start.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    while True:
        seen = state(folder)
        running = subprocess.Popen(command, env=environment)
        if not changed(running, folder, seen):
            return running.returncode
        sys.stdout.write("reload: files have changed\n")
        sys.stdout.flush()
        stop(running)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
