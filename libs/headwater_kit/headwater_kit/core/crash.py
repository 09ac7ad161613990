"""Named places on the way of a document at which a test may end the process, as `kill -9` would.

`HEADWATER_CRASH_AT=name:n` arms one of them: the n-th pass ends the process,
counted over restarts, so that it ends once. Unarmed, a pass costs a comparison.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from headwater_kit.core.errors import Misconfigured

# What a process that was killed by signal 9 says to its shell.
KILLED = 137

# Each point, and what has happened by then and what has not.
POINTS: Mapping[str, str] = MappingProxyType(
    {
        "bus.polled": "records were taken from the broker, none is handled",
    }
)


def exit_hard() -> NoReturn:
    """Ends the process at once: nothing is flushed, closed or said goodbye to."""
    os._exit(KILLED)


@dataclass(slots=True)
class _Armed:
    name: str = ""
    passes: int = 0
    counted: Path | None = None
    crash: Callable[[], None] = exit_hard


_armed = _Armed()


def crash_point(name: str) -> None:
    """Ends the process if this is the armed pass of the armed point."""
    if name != _armed.name:
        return
    if _count() == _armed.passes:
        _armed.crash()


def arm(spec: str, folder: Path | None = None, crash: Callable[[], None] = exit_hard) -> None:
    """Arms `name:n`; an empty spec disarms. Passes are counted in `folder` where one is given.

    Raises Misconfigured for a name that is not declared or a number below 1.
    """
    name, _, number = spec.partition(":")
    if not name:
        _armed.name = ""
        return
    if name not in POINTS or not number.isdigit() or int(number) < 1:
        raise Misconfigured(f"HEADWATER_CRASH_AT={spec!r}: give name:n with n from 1 and a name of core.crash.POINTS")
    _armed.name, _armed.passes, _armed.crash = name, int(number), crash
    _armed.counted = None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _armed.counted = folder / f"{name}.passes"
    else:
        _passed.clear()


_passed: list[None] = []


def _count() -> int:
    """The number of this pass: a byte a pass in a file that outlives the process, or a mark in memory."""
    if _armed.counted is None:
        _passed.append(None)
        return len(_passed)
    with _armed.counted.open("ab") as passes:
        passes.write(b".")
        return passes.tell()
