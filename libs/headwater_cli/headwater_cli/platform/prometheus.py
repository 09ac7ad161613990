"""Prometheus beside the platform: found on this machine, told whom to read and by which rules."""

import asyncio
import shutil
import urllib.request
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from headwater_kit.core.errors import Unavailable
from headwater_observability.rules import as_yaml as rules_yaml
from headwater_observability.scraping import as_yaml as scraping_yaml

from headwater_cli.platform.layout import Layout, tools_dir
from headwater_cli.platform.ports import HOST, PortLeases
from headwater_cli.platform.process import Program

NAME = "prometheus"
USUAL_PORT = 9090
_CONFIGURATION, _RULES = "prometheus.yaml", "rules.yaml"
# A laptop's disk is not a server's.
_KEPT = "7d"
_ASK_SECONDS = 1.0


def find() -> str | None:
    """Prometheus on the path, or as `make tools` builds it; None where it is nowhere."""
    return shutil.which(NAME) or shutil.which(NAME, path=tools_dir())


def advice(layout: Layout) -> str:
    """What to do where it is nowhere."""
    return (
        "prometheus is not on this machine, and all else runs: install it (brew or apt install prometheus, or its "
        f"own releases), or build it by `make tools`, and start again. {layout.data(NAME) / _CONFIGURATION} is written "
        f"for one that runs elsewhere; `{layout.command('top')}` needs none"
    )


def write(layout: Layout, targets: Mapping[str, str]) -> Path:
    """Writes whom to read, by name, and the rules; returns the configuration's path."""
    folder = layout.data(NAME)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _RULES).write_text(rules_yaml(), encoding="utf-8")
    (folder / _CONFIGURATION).write_text(scraping_yaml(targets, _RULES), encoding="utf-8")
    return folder / _CONFIGURATION


def program(executable: str, layout: Layout, leases: PortLeases, targets: Mapping[str, str]) -> Program:
    """Prometheus on the layout's folder."""
    configuration, address = write(layout, targets), f"{HOST}:{leases.pick(USUAL_PORT)}"
    argv = (
        executable,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={layout.data(NAME) / 'data'}",
        f"--storage.tsdb.retention.time={_KEPT}",
        f"--web.listen-address={address}",
    )
    return Program(NAME, argv, address, layout.log(NAME), ready=partial(_ready, address))


async def _ready(address: str) -> None:
    try:
        await asyncio.to_thread(_ask, address)
    except OSError as error:
        raise Unavailable(f"prometheus does not answer: {error}") from error


def _ask(address: str) -> None:
    urllib.request.urlopen(f"http://{address}/-/ready", timeout=_ASK_SECONDS).close()
