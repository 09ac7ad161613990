"""`headwater demo`: the main job on real input, measured."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from headwater_kit.core.errors import InvalidInput, NotFound, Unavailable
from rich.console import Console

from headwater_cli.commands.connect import laptop_settings
from headwater_cli.demo import show
from headwater_cli.demo.figures import Figures
from headwater_cli.demo.run import run
from headwater_cli.invocation import Invocation
from headwater_cli.platform import state
from headwater_cli.platform.layout import Layout


def demo(
    ctx: typer.Context,
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the platform running afterwards.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every figure there.")] = None,
) -> None:
    """Start a fresh platform, load Python's own documentation, ask, edit, delete, vote; then stop."""
    call = Invocation.of(ctx)
    # Apart from the user's own platform, and empty at the start, so that the figures mean something.
    apart = Invocation(Layout(call.layout.root / "demo"), call.settings, call.debug)
    _check_paths(apart.layout, json_file)
    console = Console()
    figures = Figures()
    started = time.monotonic()
    _headwater(apart, "down", quiet=True)
    shutil.rmtree(apart.layout.root, ignore_errors=True)
    try:
        show.step(console, "Start the broker, the store and seven services")
        _headwater(apart, "up", "--detach")
        figures.start_seconds = round(time.monotonic() - started, 2)
        platform = state.require_ready(apart.layout.state_file)
        run(console, laptop_settings(platform), platform.kafka_bootstrap, figures)
    finally:
        if not keep:
            _headwater(apart, "down")
    figures.total_seconds = round(time.monotonic() - started, 2)
    show.summary(console, figures)
    if json_file is not None:
        json_file.write_text(json.dumps(figures.as_json(), indent=2) + "\n")
    if keep:
        console.print(f"still running: try `{apart.layout.command('ask …')}`", markup=False, soft_wrap=True)


def _check_paths(layout: Layout, json_file: Path | None) -> None:
    """Refuses before anything is started or removed."""
    root = layout.root
    if root.exists() and not layout.lock_file.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InvalidInput(f"{root} holds something else, which the demo would remove: name another folder, --data-dir")
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise NotFound(f"{json_file.parent} is no folder to write {json_file.name} into: make it, or name another")


def _headwater(call: Invocation, *arguments: str, quiet: bool = False) -> None:
    command = [sys.executable, "-m", "headwater_cli", "--data-dir", str(call.layout.root), *arguments]
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL if quiet else None).returncode:
        raise Unavailable(f"`headwater {arguments[0]}` failed: see above, or run `headwater doctor`")
