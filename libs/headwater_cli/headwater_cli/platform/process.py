"""A program as the platform runs it: started, identified, stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

# Tells a platform's processes from others; its value is the data folder.
MARKER = "HEADWATER_PLATFORM"

# A process's time of creation comes from the time of boot, in whole seconds,
# which moves when the wall clock is set; a pid is not used again that soon.
_CREATION_SLACK_SECONDS = 2.0

# Runs before the program, in its process. Two things are set that survive
# exec: Ctrl-C is no longer ignored (a shell's background job ignores it), and,
# on Linux, the program is told to stop when its supervisor dies. A preexec_fn
# could do the same, but it forks while gRPC's threads hold locks.
_LAUNCHER = """
import os, signal, sys
parent, stop = int(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGINT, signal.SIG_DFL)
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, stop)
    if os.getppid() != parent:
        sys.exit(1)
os.execvp(sys.argv[3], sys.argv[3:])
"""


async def _always_ready() -> None:
    return


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to know that it is usable.

    `ready` returns when the program can be used and raises Unavailable while
    it cannot. `address` is where it listens, as `host:port`, `metrics` where it
    shows its metrics, if it does.
    """

    name: str
    argv: Sequence[str]
    address: str
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Awaitable[None]] = _always_ready
    stop_signal: signal.Signals = signal.SIGTERM
    metrics: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process, told apart from a later one that has the same pid."""

    pid: int
    create_time: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """The identity of a live process. Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The live process that this is, if any; a zombie counts as gone."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.create_time) <= _CREATION_SLACK_SECONDS
            alive = found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return found if same and alive else None


class Child:
    """A started program, in a process group of its own so that a terminal's Ctrl-C does not reach it.

    Its session is its supervisor's: Linux weighs sessions against each other first (`sched_autogroup_enabled`), so that
    a thread that stands back would do so within its own session alone.

    Start it from a thread that lives as long as the child should: on Linux it
    is stopped when that thread ends.
    """

    def __init__(self, program: Program, env: Mapping[str, str]) -> None:
        program.log.parent.mkdir(parents=True, exist_ok=True)
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), str(int(program.stop_signal))]
        with program.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*launcher, *program.argv],
                env={**env, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self.program = program
        self.started_at = time.time()
        self.identity = Identity.of(self._popen.pid)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._popen.poll()

    def ask_to_stop(self) -> None:
        """Sends the program's stop signal to the process alone; it ends its own children."""
        if self.exit_code is None:
            self._popen.send_signal(self.program.stop_signal)

    def kill(self) -> None:
        """Ends the process and whatever it started."""
        kill_group(self._popen.pid)
        self._popen.wait()


def kill_group(pid: int) -> None:
    """Kills the process group that `pid` leads; gone already is fine."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
