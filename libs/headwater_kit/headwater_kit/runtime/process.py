"""A service as a process: arguments, settings, signals, exit codes."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import NoReturn, TypeVar

from headwater_kit.core import crash
from headwater_kit.core.errors import Misconfigured
from headwater_kit.runtime.service import Service
from headwater_kit.settings import ServiceSettings, SettingsError, load
from headwater_kit.settings.table import as_text
from headwater_kit.telemetry.failures import said
from headwater_kit.telemetry.setup import setup

logger = logging.getLogger(__name__)

S = TypeVar("S", bound=ServiceSettings)

DRAINED = 0
CRASHED = 1
BAD_SETTINGS = 2
# Below the data folder: the passes of an armed crash point, counted over restarts.
CRASH_POINTS = "crash-points"
# New objects after which the garbage collector looks at them; CPython's own 700 are a quarter of a search's.
YOUNG_OBJECTS = 10_000


def run(settings_type: type[S], build: Callable[[S], Service], *, module: str = "", distribution: str = "") -> NoReturn:
    """Runs a service until SIGTERM or SIGINT, then exits.

    `module` is what `python -m` is told and `distribution` what has the
    version, where they are not the service's own.

    Exit codes: 0 drained in time; 1 crashed, or did not drain in time; 2 the
    settings do not fit, with one line each on stderr. `build` wires the
    service; it is called within the event loop.
    """
    name = settings_type.service
    _parse_arguments(settings_type, module or f"headwater_{name}", distribution or f"headwater-{name}")
    try:
        settings = load(settings_type)
        crash.arm(settings.crash_at, settings.data_dir / CRASH_POINTS)
        telemetry = setup(settings, settings_type.service)
    except SettingsError as error:
        sys.exit(_refuse(*error.faults))
    except Misconfigured as error:
        sys.exit(_refuse(error.message))
    try:
        # Not closed: that waits for every thread, and one may be at a call of a client's that takes minutes.
        code = asyncio.Runner(loop_factory=_loop_factory()).run(serve(settings, build))
    finally:
        telemetry.close()
    _end(code)


async def serve(settings: S, build: Callable[[S], Service]) -> int:
    """Builds, starts and drains the service; returns the exit code."""
    stop = _stop_signal()
    try:
        service = build(settings)
    except Misconfigured as error:
        return _refuse(error.message)
    life = asyncio.ensure_future(_live(service))
    await asyncio.wait((life, stop), return_when=asyncio.FIRST_COMPLETED)
    life.cancel()
    await asyncio.wait((life,))
    drained = await service.stop()
    return _exit_code(life, drained=drained)


async def _live(service: Service) -> None:
    await service.start()
    _settle()
    await service.wait()


def _settle() -> None:
    """Has the garbage collector pass over what a started service holds: modules and tables, which stay.

    Else it looks through all of that, 50 ms of everybody's time, whenever a quarter as much has come; and through what
    is young several times a call, where hardly anything of it is in cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def _exit_code(life: "asyncio.Future[None]", *, drained: bool) -> int:
    error = None if life.cancelled() else life.exception()
    if isinstance(error, Misconfigured):
        return _refuse(error.message)
    if error is not None:
        logger.critical("crashed: %s", said(error), exc_info=error)
        return CRASHED
    return DRAINED if drained else CRASHED


def _stop_signal() -> "asyncio.Future[None]":
    """Done at the first SIGTERM or SIGINT; the second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()

    def on_signal(number: int) -> None:
        if stop.done():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        else:
            stop.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop


def _parse_arguments(settings_type: type[ServiceSettings], module: str, distribution: str) -> None:
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=f"The {settings_type.service} service. It is set by environment variables:",
        epilog=as_text(settings_type),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{distribution} {version(distribution)}")
    parser.parse_args()


def _refuse(*lines: str) -> int:
    for line in lines:
        sys.stderr.write(f"{line}\n")
    return BAD_SETTINGS


def _end(code: int) -> NoReturn:
    """Ends the process as it is: all is drained, and an interpreter that ends would wait for its threads."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    # uvloop does not run everywhere; without it all works, slower.
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return None
    return uvloop.new_event_loop
