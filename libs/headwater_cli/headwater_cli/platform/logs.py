"""The log files of the platform's processes: bounded, and read from the end."""

import shutil
from pathlib import Path

# A busy day of seven services; with the one older part, half a gigabyte for nine.
MAX_LOG_BYTES = 24 * 1024 * 1024
_BLOCK_BYTES = 64 * 1024


def trim(log: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Moves a log's content to `NAME.log.1` once it is over `max_bytes`; the process keeps writing.

    The file is copied and then emptied, not renamed, because the process holds
    it open (for appending, so it goes on at the new end). Lines written in
    between are lost.
    """
    if not log.exists() or log.stat().st_size <= max_bytes:
        return
    shutil.copyfile(log, log.with_name(log.name + ".1"))
    with log.open("r+b") as stream:
        stream.truncate(0)


def last_lines(log: Path, count: int) -> list[str]:
    """The last `count` lines, read from the end; none where there is no log."""
    if not log.exists():
        return []
    with log.open("rb") as stream:
        position, tail = stream.seek(0, 2), b""
        while position > 0 and tail.count(b"\n") <= count:
            step = min(_BLOCK_BYTES, position)
            position = stream.seek(position - step)
            tail = stream.read(step) + tail
            stream.seek(position)
    lines = tail.decode(errors="replace").splitlines()
    return lines[-count:] if count > 0 else []


def new_lines(log: Path, position: int) -> tuple[list[str], int]:
    """The whole lines after byte `position`, and the position after them.

    A file shorter than `position` was trimmed: it is read from its start.
    """
    size = log.stat().st_size if log.exists() else 0
    start = position if position <= size else 0
    if size == start:
        return [], start
    with log.open("rb") as stream:
        stream.seek(start)
        content = stream.read()
    whole = content[: content.rfind(b"\n") + 1]
    return whole.decode(errors="replace").splitlines(), start + len(whole)
