"""`headwater rebuild`: the index made anew from the log."""

import time
from collections.abc import Iterator
from dataclasses import asdict, replace

import typer
from headwater_client import Client, RebuildProgress, RebuildStage
from headwater_kit.core.errors import HeadwaterError, Unavailable
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.output import echo_json

# A service that was killed is back within seconds, and goes on with what was cut off a few seconds later.
RETURN_SECONDS = 60.0
RETRY_SECONDS = 1.0
_OVER = (RebuildStage.DONE, RebuildStage.FAILED)
# What goes on while no record is counted.
_WAITS = {
    RebuildStage.CHECKING: "comparing it with the log",
    RebuildStage.SWITCHING: "switching: writes wait for a moment",
    RebuildStage.SETTLING: "switched, keeping the old one for a moment",
}


def rebuild(ctx: typer.Context, *, tenant: Tenant = TENANT, user: User = "", json: Json = False) -> None:
    """Make the index anew from the log, beside the one that searches read, and change over to it.

    Goes on if this command is interrupted; called again, it shows the one under way.
    """
    started = time.monotonic()
    with connected(ctx, tenant, user) as client, progress_bar(Console(stderr=True)) as bar:
        line = ProgressLine(bar)
        last = RebuildProgress(RebuildStage.NONE, "", 0, 0, None, 0, "")
        for last in _progress(client):
            line.show(last)
    if last.stage is not RebuildStage.DONE:
        raise HeadwaterError(f"the index was not made anew: {last.reason}")
    _report(last, time.monotonic() - started, json=json)


def _progress(client: Client) -> Iterator[RebuildProgress]:
    """Until it is over; joined again where the service went away meanwhile. Raises Unavailable where it stays away."""
    collection, away = "", None
    while True:
        try:
            for progress in client.rebuild(join_only=bool(collection)):
                if progress.stage is not RebuildStage.NONE:
                    collection, away = progress.collection or collection, None
                    yield progress
                elif progress.collection == collection:
                    # It came to its end as the service did.
                    yield replace(progress, stage=RebuildStage.DONE)
                    return
                if progress.stage in _OVER:
                    return
        except Unavailable:
            if not collection:
                raise
        away = away or time.monotonic()
        if time.monotonic() - away > RETURN_SECONDS:
            raise Unavailable(f"the rebuild stands still since {RETURN_SECONDS:.0f} s: see `headwater status`")
        time.sleep(RETRY_SECONDS)


class ProgressLine:
    """A bar that fills while records are counted; else one that only moves, with what goes on instead."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        # Two tasks, since one that has come to its end stands still, clock and all.
        self._counted = bar.add_task("beginning", total=None)
        self._waiting = bar.add_task("", total=None, visible=False)

    def show(self, now: RebuildProgress) -> None:
        """Draws what the rebuild is at."""
        waits = _WAITS.get(now.stage, "")
        self._bar.update(self._waiting, description=waits, visible=bool(waits))
        self._bar.update(self._counted, description=now.stage.value, visible=not waits)
        self._bar.update(self._counted, completed=now.done, total=now.total or None)


def progress_bar(console: Console) -> Progress:
    """Goes when the rebuild ends, and stays away where there is no terminal."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(20), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _report(last: RebuildProgress, seconds: float, *, json: bool) -> None:
    if json:
        echo_json({**asdict(last), "seconds": round(seconds, 2)})
        return
    typer.echo(f"searches read {last.collection}, made from {last.done:,} records in {seconds:.1f} s")
    if last.passed_over:
        typer.echo(
            f"  {last.passed_over:,} records could not be applied, as they could not before: see the logs of index"
        )
