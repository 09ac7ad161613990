"""Ending what a killed platform left running."""

from collections.abc import Sequence
from contextlib import suppress

import psutil
from headwater_kit.core.deadline import Deadline

from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import LOOK_SECONDS
from headwater_cli.platform.process import MARKER, kill_group
from headwater_cli.platform.state import PlatformState, ProcessState


def leftovers(layout: Layout, state: PlatformState) -> tuple[ProcessState, ...]:
    """The processes of the state that still run and are certainly this platform's.

    Certain is: the recorded pid, the recorded time of creation, and the data
    folder in the process's own environment. Others are never touched.
    """
    return tuple(process for process in state.processes if _is_ours(layout, process))


async def end(layout: Layout, state: PlatformState, deadline: Deadline) -> Sequence[str]:
    """Ends the leftovers and returns their names: asks, waits until the deadline, kills.

    The caller holds the platform's lock.
    """
    found = leftovers(layout, state)
    for process in found:
        _ask(process)
    while deadline.remaining() > 0.0 and leftovers(layout, state):
        await deadline.clock.sleep(LOOK_SECONDS)
    for process in leftovers(layout, state):
        assert process.identity is not None  # noqa: S101 - a leftover has one
        kill_group(process.identity.pid)
    return [process.name for process in found]


def _is_ours(layout: Layout, process: ProcessState) -> bool:
    live = process.identity.process() if process.identity else None
    if live is None:
        return False
    try:
        return live.environ().get(MARKER) == str(layout.root)
    except psutil.Error:
        return False


def _ask(process: ProcessState) -> None:
    live = process.identity.process() if process.identity else None
    if live is not None:
        with suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
            live.terminate()
