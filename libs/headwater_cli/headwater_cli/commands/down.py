"""`headwater down`: stops the platform."""

import asyncio
import time
from contextlib import suppress
from typing import Annotated

import psutil
import typer
from headwater_kit.core.errors import Unavailable

from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation
from headwater_cli.platform import state
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.run import clean

# A supervisor stops all within ten seconds; one that hangs is killed then.
_STOP_SECONDS = 12.0
_LOOK_SECONDS = 0.1


def down(
    ctx: typer.Context, json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False
) -> None:
    """Stop the platform and whatever a killed one left running; the data is kept."""
    layout = Invocation.of(ctx).layout
    started = time.monotonic()
    stopped = _stop_supervisor(layout)
    ended = _clean(layout)
    seconds = time.monotonic() - started
    if json:
        echo_json({"stopped": stopped, "leftovers_ended": ended, "seconds": round(seconds, 1)})
    else:
        typer.echo(_sentence(layout, stopped, ended, seconds))


def _stop_supervisor(layout: Layout) -> bool:
    """Ends a live supervisor and returns whether there was one."""
    current = state.read(layout.state_file)
    process = current.supervisor.process() if current is not None else None
    if process is None or not _is_locked(layout):
        return False
    with suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
        process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_locked(layout) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    if _is_locked(layout):
        process.kill()
        process.wait(_STOP_SECONDS)
    return True


def _clean(layout: Layout) -> list[str]:
    with state.exclusive(layout.lock_file) as held:
        if not held:
            raise Unavailable("another `headwater up` is starting here: wait for it, then try again")
        return list(asyncio.run(clean(layout)))


def _is_locked(layout: Layout) -> bool:
    with state.exclusive(layout.lock_file) as held:
        return not held


def _sentence(layout: Layout, stopped: bool, ended: list[str], seconds: float) -> str:
    if stopped:
        return f"stopped in {seconds:.1f} s; the data in {layout.root} is kept"
    if ended:
        return f"ended what a killed platform left running: {', '.join(ended)}; the data is kept"
    return f"not running in {layout.root}"
