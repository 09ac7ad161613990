"""How a platform's state is shown on a terminal."""

import re
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from headwater_cli.platform import state
from headwater_cli.platform.state import Phase, PlatformState, ProcessState


def print_json(platform: PlatformState) -> None:
    """Prints the state as one JSON object."""
    typer.echo(state.to_json(platform))


def process_table(platform: PlatformState) -> Table:
    """What runs where."""
    table = Table("service", "address", "pid", "log", box=None, pad_edge=False)
    for name, address in external_engines(platform):
        table.add_row(name, address, "", "[dim]not started by headwater[/dim]")
    for process in platform.processes:
        table.add_row(process.name, process.address, pid_of(process), f"[dim]{escape(process.log)}[/dim]")
    return table


def external_engines(platform: PlatformState) -> list[tuple[str, str]]:
    """Names and addresses of the engines that the platform uses and did not start."""
    engines = (("kafka", platform.kafka_bootstrap), ("milvus", platform.milvus_uri))
    return [(name, address) for name, address in engines if address and platform.process(name) is None]


def pid_of(process: ProcessState) -> str:
    """The process id, or nothing where there is no process."""
    return str(process.identity.pid) if process.identity else ""


class StartDisplay:
    """Shows how a start goes: a moving line on a terminal, else a line a step; on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._last = ""
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, platform: PlatformState) -> None:
        """Shows the state, as it is now; nothing more once the start is over."""
        if platform.phase in {Phase.READY, Phase.FAILED}:
            self._progress.stop()
            return
        self._progress.update(
            self._task,
            description=platform.activity,
            total=None if platform.done is None else 1.0,
            completed=platform.done or 0.0,
        )
        self._print_step(platform.activity)

    def _print_step(self, activity: str) -> None:
        # Counters change many times a second; the words around them do not.
        step = re.sub(r"\d+", "", activity)
        if step != self._last and not self._console.is_terminal:
            self._console.print(activity, markup=False, highlight=False, soft_wrap=True)
        self._last = step


class RunDisplay:
    """Shows a platform that runs in this terminal: its start, a table once it is ready, then what goes wrong."""

    def __init__(self, start: StartDisplay, announce: Callable[[PlatformState], None]) -> None:
        self._start = start
        self._announce = announce
        self._announced = False
        self._restarts: Counter[str] = Counter()
        self._console = Console(stderr=True)

    def show(self, platform: PlatformState) -> None:
        """Shows the state, as it is now."""
        self._start.show(platform)
        if platform.phase is Phase.READY and not self._announced:
            self._announced = True
            self._announce(platform)
        for process in platform.processes:
            self._print_restart(process)

    def _print_restart(self, process: ProcessState) -> None:
        if process.restarts > self._restarts[process.name]:
            self._restarts[process.name] = process.restarts
            self._console.print(
                f"{process.name} ended with code {process.last_exit}; starting it again (log: {process.log})",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
