"""Runs a command, and again whenever a file below a folder changes: `python reload.py FOLDER COMMAND...`.

The first process of a development pod. Standard library only, since it runs in any of the images.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

LOOK_SECONDS = 0.5
# After a change, until files are whole and no more of them come.
CALM_SECONDS = 0.5
STOP_SECONDS = 25.0


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
    while True:
        seen = state(folder)
        running = subprocess.Popen(command, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        if not changed(running, folder, seen):
            return running.returncode
        sys.stdout.write("reload: files have changed\n")
        sys.stdout.flush()
        stop(running)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
