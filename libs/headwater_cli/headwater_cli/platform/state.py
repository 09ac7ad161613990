"""What is known of a running platform: one file in its data folder, which every other command reads."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from headwater_kit.core.errors import Misconfigured, Unavailable
from headwater_kit.settings.access import TRUSTING
from pydantic import TypeAdapter, ValidationError

from headwater_cli.platform.layout import Layout
from headwater_cli.platform.process import Identity

# Changes when an older `headwater` could not read the file.
SCHEMA = 1


class Phase(StrEnum):
    """Where the platform as a whole stands."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


class Condition(StrEnum):
    """Where one process stands."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process. `started_at` in seconds since the epoch; `last_exit` is negative for a signal."""

    name: str
    address: str
    condition: Condition
    identity: Identity | None = None
    started_at: float | None = None
    restarts: int = 0
    last_exit: int | None = None
    log: str = ""
    metrics: str = ""


@dataclass(frozen=True, slots=True)
class PlatformState:
    """The platform. `activity` says in words what goes on, or what went wrong; `done` how much of it, from 0 to 1.

    `auth` is what its services take for a credential.
    """

    phase: Phase
    activity: str
    supervisor: Identity
    started_at: float
    version: str
    done: float | None = None
    kafka_bootstrap: str = ""
    milvus_uri: str = ""
    processes: tuple[ProcessState, ...] = ()
    auth: str = TRUSTING
    schema: int = SCHEMA

    @property
    def trusts(self) -> bool:
        """Whether the services believe whoever calls."""
        return self.auth == TRUSTING

    def process(self, name: str) -> ProcessState | None:
        """The process of that name, if there is one."""
        return next((process for process in self.processes if process.name == name), None)


_ADAPTER = TypeAdapter(PlatformState)


def to_json(state: PlatformState) -> str:
    """The state as the file has it."""
    return _ADAPTER.dump_json(state, indent=2).decode()


def write(path: Path, state: PlatformState) -> None:
    """Replaces the file in one step, so that a reader sees the old state or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".json.new")
    fresh.write_text(to_json(state))
    fresh.replace(path)


def read(path: Path) -> PlatformState | None:
    """The state, or None where no platform was started. Raises Misconfigured when it cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        state = _ADAPTER.validate_json(content)
    except ValidationError as error:
        raise Misconfigured(
            f"{path} is not a state that this version reads: stop that platform and delete the file"
        ) from error
    return state


def require_ready(path: Path) -> PlatformState:
    """The state of a platform that can be used. Raises Unavailable, saying what to do, when it cannot."""
    state = read(path)
    if state is None or state.supervisor.process() is None:
        raise Unavailable(f"the platform is not running: start it with `{Layout(path.parent).command('up')}`")
    if state.phase is not Phase.READY:
        raise Unavailable(f"the platform is {state.phase}: see `{Layout(path.parent).command('status')}`")
    return state


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Whether this process alone now holds the platform's lock; held until leaving, or until it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
