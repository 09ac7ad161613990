"""A real platform in a folder of its own, for the runner to break."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil
from chaos.proxy import Proxy
from chaos.records import Records
from chaos.supervisor import ENVIRONMENT
from headwater_cli.platform.ports import PortLeases
from headwater_client import Client, ClientSettings
from headwater_kit.core.documents import Principal
from headwater_kit.settings import load

SERVICES = ("ingest", "embed", "index", "retrieve", "generate", "guard", "feedback")
ENGINES = ("kafka", "milvus")
TESTS = Path(__file__).resolve().parents[1]
PLANTED = Path(__file__).resolve().parent / "planted"
START_SECONDS = 120.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.05


class Platform:
    """Started on entering, gone on leaving, whatever happened within. `environment` reaches the services."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self._leases = PortLeases()
        self._upstream, self._proxied = self._leases.pick(19_092), self._leases.pick(19_093)
        self.proxy = Proxy(self._proxied, self._upstream)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")},
            **{name: value for name, value in os.environ.items() if name == "HEADWATER_MODEL_DIR"},
            "PYTHONPATH": ":".join(filter(None, (str(PLANTED), str(TESTS), os.environ.get("PYTHONPATH")))),
            **environment,
        }
        self._later: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        self.proxy.start()
        command = [sys.executable, "-m", "chaos.supervisor", str(self.root), str(self._upstream), str(self._proxied)]
        with (self.root / "supervisor.log").open("ab") as log:
            # In a session of its own, so that Ctrl-C reaches the runner alone, which then stops the platform.
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self.wait_until(self._is_ready, START_SECONDS, "the platform's start")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends all of it; what was stopped by a signal is let go on first."""
        for name in (*SERVICES, *ENGINES):
            self.signal(name, signal.SIGCONT)
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self._process.kill()
            self._process.wait()
        self._headwater("down")
        self.proxy.stop()
        self._leases.release()

    @property
    def state(self) -> dict[str, Any]:
        """What platform.json says now; empty before it is there."""
        try:
            return dict(json.loads((self.root / "platform.json").read_text()))
        except FileNotFoundError:
            return {}

    def entry(self, name: str) -> Mapping[str, Any]:
        """One process, as platform.json has it now; empty where it is not there."""
        return next((dict(entry) for entry in self.state.get("processes", ()) if entry["name"] == name), {})

    def pid(self, name: str) -> int | None:
        """The process's id while it runs."""
        identity = self.entry(name).get("identity")
        return identity["pid"] if identity and psutil.pid_exists(identity["pid"]) else None

    def signal(self, name: str, number: int) -> int | None:
        """Sends a signal to the process alone; returns whom it reached."""
        pid = self.pid(name)
        if pid is None:
            return None
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return None
        return pid

    def is_back(self, name: str, gone: int | None) -> bool:
        """Whether another process than `gone` runs under that name and can be used."""
        entry = self.entry(name)
        return entry.get("condition") == "ready" and self.pid(name) not in (None, gone)

    def wait_until(self, holds: Any, seconds: float, what: str) -> None:
        """Returns once `holds()`. Raises TimeoutError, or ChildProcessError when the platform has ended."""
        deadline = time.monotonic() + seconds
        while not holds():
            if self._process is None or self._process.poll() is not None:
                raise ChildProcessError(f"the platform has ended: see {self.root / 'supervisor.log'}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
            time.sleep(LOOK_SECONDS)

    def set_environment(self, **variables: str) -> None:
        """What services get in their environment from their next start on; empty to take one back."""
        self._later |= variables
        lines = (f"{name}={value}\n" for name, value in self._later.items() if value)
        (self.root / ENVIRONMENT).write_text("".join(lines))

    @property
    def records(self) -> Records:
        """The broker, past the proxy."""
        return Records(str(self.entry("kafka")["address"]))

    @property
    def milvus_uri(self) -> str:
        """The store's address."""
        return str(self.state["milvus_uri"])

    def client(self, tenant: str) -> Client:
        """The SDK, as a user of that tenant."""
        names = ("ingest", "index", "retrieve", "generate", "feedback")
        targets = {f"{name}_target": self.entry(name)["address"] for name in names}
        return Client(load(ClientSettings).model_copy(update=targets), Principal(tenant, "chaos"))

    def _is_ready(self) -> bool:
        return self.state.get("phase") == "ready"

    def _headwater(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "headwater_cli", "--data-dir", str(self.root), *arguments]
        subprocess.run(command, env=self._environment, capture_output=True, check=False, timeout=60)
