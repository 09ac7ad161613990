"""One run of a platform: from taking its data folder to leaving nothing behind."""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline

from headwater_cli.platform import stale, state
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.ports import PortLeases
from headwater_cli.platform.process import Identity
from headwater_cli.platform.state import Phase, PlatformState
from headwater_cli.platform.supervisor import Limits, Plan, Supervisor
from headwater_cli.settings import PlatformSettings, inherited

STALE_SECONDS = 6.0
# A closed terminal stops the platform like Ctrl-C does.
_STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Observe = Callable[[PlatformState], None]
MakePlan = Callable[[Layout, PlatformSettings, PortLeases], Plan]


async def run(layout: Layout, settings: PlatformSettings, make_plan: MakePlan, observe: Observe) -> None:
    """Runs the platform in this process until a signal stops it. The caller holds its lock.

    Raises the HeadwaterError for which it could not start.
    """
    clock, leases = SystemClock(), PortLeases()
    await clean(layout)
    supervisor = Supervisor(
        layout,
        make_plan(layout, settings, leases),
        inherited(),
        _first_state(clock.now(), settings.auth),
        observe,
        clock=clock,
        rng=random.Random(),
        limits=Limits(start_seconds=settings.start_seconds),
    )
    try:
        with _stop_signals() as stopped:
            await supervisor.run(stopped)
    finally:
        leases.release()


async def clean(layout: Layout) -> tuple[str, ...]:
    """Ends what a killed run left, forgets its state, and returns the names of what it ended.

    The caller holds the platform's lock.
    """
    previous = state.read(layout.state_file)
    if previous is None:
        return ()
    ended = await stale.end(layout, previous, Deadline.after(SystemClock(), STALE_SECONDS))
    layout.state_file.unlink(missing_ok=True)
    return tuple(ended)


def _first_state(now: float, auth: str) -> PlatformState:
    return PlatformState(
        phase=Phase.STARTING,
        activity="starting",
        supervisor=Identity.of(os.getpid()),
        started_at=now,
        version=version("headwater-cli"),
        auth=auth,
    )


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    """An event that is set by the signals that stop a platform."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in _STOPPING_SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in _STOPPING_SIGNALS:
            loop.remove_signal_handler(number)
