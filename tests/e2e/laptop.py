"""The platform as its user has it: `headwater` run as a command on a data folder."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import grpc
import psutil
from headwater_client import Client, ClientSettings
from headwater_kit.core.documents import Principal
from headwater_kit.settings import load
from pydantic import SecretStr

COMMAND_SECONDS = 120.0
_TARGETS = ("ingest", "index", "retrieve", "generate", "feedback")


class Laptop:
    """A platform in a data folder of its own. Leaving the context stops it, whatever happened within."""

    def __init__(self, root: Path, **env: str) -> None:
        self.root = root
        # What the shell says of some other platform must not reach this one.
        self._env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HEADWATER_") or name == "HEADWATER_MODEL_DIR"
        }
        # What a test is shown must not hang on chance; one that is about chance says otherwise.
        self._env |= {"HEADWATER_RETRIEVE_LEARN_SHARE": "0"} | env

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self("down")

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`headwater` with these arguments, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "headwater_cli", "--data-dir", str(self.root), *arguments],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def smoke(self) -> "subprocess.CompletedProcess[str]":
        """One pass over the platform, as `skaffold verify` has it made in a cluster."""
        targets = {f"HEADWATER_{name.upper()}_TARGET": self.entry(name)["address"] for name in _TARGETS}
        return subprocess.run(
            [sys.executable, "-m", "headwater_client.smoke"],
            env=self._env | targets | {"HEADWATER_KAFKA_BOOTSTRAP": self.bootstrap},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        """What a command that must succeed prints with --json."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def up(self) -> dict[str, Any]:
        """Starts it in the background and returns its state once it is ready."""
        return self.json("up", "--detach")

    @property
    def state(self) -> dict[str, Any]:
        """What platform.json says now."""
        return dict(json.loads((self.root / "platform.json").read_text()))

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return str(self.state["kafka_bootstrap"])

    @property
    def milvus_uri(self) -> str:
        """The store's address."""
        return str(self.state["milvus_uri"])

    def entry(self, name: str) -> Mapping[str, Any]:
        """One process, as platform.json has it now."""
        return next(dict(process) for process in self.state["processes"] if process["name"] == name)

    def process(self, name: str) -> psutil.Process:
        """The live process of that name."""
        return psutil.Process(self.entry(name)["identity"]["pid"])

    def channel(self, name: str) -> grpc.Channel:
        """A plain gRPC channel to a service, with nothing of Headwater's around it."""
        return grpc.insecure_channel(self.entry(name)["address"])

    def client(self, tenant: str, user: str = "ann", groups: tuple[str, ...] = ()) -> Client:
        """The SDK, as this user of this tenant."""
        targets = {f"{name}_target": self.entry(name)["address"] for name in _TARGETS}
        return Client(load(ClientSettings).model_copy(update=targets), Principal(tenant, user, groups))

    def holder(self, key: str) -> Client:
        """The SDK, with an API key."""
        targets = {f"{name}_target": self.entry(name)["address"] for name in _TARGETS}
        return Client(load(ClientSettings).model_copy(update={**targets, "api_key": SecretStr(key)}))
