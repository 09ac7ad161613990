"""A platform of a bench's own: started by `headwater up -d` in a temporary folder, stopped and removed after it."""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from headwater_cli.commands.connect import laptop_settings
from headwater_cli.platform import state
from headwater_cli.platform.layout import Layout
from headwater_client import ClientSettings

MIB = 1024 * 1024
# What belongs to the shell's own platform must not reach the bench's.
_FOREIGN = ("HEADWATER_DATA_DIR", "HEADWATER_KAFKA_BOOTSTRAP", "HEADWATER_MILVUS_URI")


@dataclass(frozen=True)
class Laptop:
    """A running platform, by its folder."""

    folder: Path

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self._state().kafka_bootstrap

    @property
    def milvus_uri(self) -> str:
        """The store's address."""
        return self._state().milvus_uri

    def address(self, service: str) -> str:
        """Where a service listens."""
        return self.process(service).address

    def client_settings(self) -> ClientSettings:
        """Where its services are."""
        return laptop_settings(self._state())

    def headwater(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """What `headwater WORDS` prints; raises CalledProcessError where it fails."""
        command = [sys.executable, "-m", "headwater_cli", "--data-dir", str(self.folder), *words]
        inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return subprocess.run(
            command, env={**inherited, **(env or {})}, stdout=subprocess.PIPE, check=True, text=True
        ).stdout

    def json(self, *words: str) -> Any:
        """What `headwater WORDS --json` says."""
        return json.loads(self.headwater(*words, "--json"))

    def start(self, env: Mapping[str, str] | None = None) -> None:
        """Starts it with these settings beside the environment's; returns once all is ready."""
        self.headwater("up", "-d", "--json", env=env)

    def stop(self) -> None:
        """Stops it; the data stays."""
        self.headwater("down", "--json")

    def process(self, name: str) -> state.ProcessState:
        """One of its processes as it is now. Raises LookupError."""
        found = self._state().process(name)
        if found is None:
            raise LookupError(f"no process is called {name}")
        return found

    def resident_mib(self) -> dict[str, float]:
        """Resident memory of each process with its children, in MiB."""
        return {name: round(_resident_bytes(process) / MIB, 1) for name, process in self._alive()}

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each process so far."""
        return {name: sum(process.cpu_times()[:2]) for name, process in self._alive()}

    def _alive(self) -> Iterator[tuple[str, psutil.Process]]:
        for process in self._state().processes:
            alive = process.identity.process() if process.identity else None
            if alive is not None:
                yield process.name, alive

    def _state(self) -> state.PlatformState:
        return state.require_ready(Layout(self.folder).state_file)


@contextmanager
def laptop(env: Mapping[str, str] | None = None, folder: Path | None = None) -> Iterator[Laptop]:
    """A platform that is ready, in this folder, or in one that is removed afterwards."""
    # Ended from outside, a bench still stops what it started. By an interrupt, for which a loop cancels its work:
    # an exit that is raised within a task tears the loop down from inside.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with tempfile.TemporaryDirectory(prefix="headwater-bench-", ignore_cleanup_errors=True) as temporary:
        platform = Laptop(folder or Path(temporary))
        try:
            platform.start(env)
            yield platform
        finally:
            # A second one must not end the stopping: `timeout` sends one to the process and one to its group.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            platform.stop()


def report(
    measure: Callable[[Laptop, argparse.Namespace], Coroutine[Any, Any, Mapping[str, object]]],
    arguments: argparse.Namespace,
    folder: Path | None = None,
) -> None:
    """Measures on a platform of its own, and prints JSON: the machine as it was before, and what was found."""
    before = machine()
    with laptop(folder=folder) as platform:
        result = asyncio.run(measure(platform, arguments))
    json.dump({"machine": before, **result}, sys.stdout, indent=2)
    sys.stdout.write("\n")


def say(what: str) -> None:
    """Tells on standard error how far a bench is; its figures go to standard output."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    return {"cores": os.cpu_count(), "load_before": [round(load, 2) for load in os.getloadavg()]}


def _resident_bytes(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue  # a child that ended meanwhile
    return total
