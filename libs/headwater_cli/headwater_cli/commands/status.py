"""`headwater status`: what runs, how far it is, what was put aside."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from headwater_kit.core.companions import CompanionReported, CompanionStage
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headwater_cli.commands.display import external_engines
from headwater_cli.commands.output import echo_json
from headwater_cli.commands.reindex import progress_of
from headwater_cli.invocation import Invocation
from headwater_cli.platform import state
from headwater_cli.platform.flow import DeadLetters, GroupLag
from headwater_cli.platform.inspection import NOT_SERVING, Inspection, inspect
from headwater_cli.platform.state import Condition, Phase, PlatformState

_DAY_SECONDS = 86_400
_HOUR_SECONDS = 3_600
_MINUTE_SECONDS = 60


def status(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print all of it as one JSON object.")] = False,
) -> None:
    """Show the processes, each group's lag, dead letters, the size of the index and whether its model changes.

    Exits with 1 when the platform is not running or a process is not ready.
    """
    call = Invocation.of(ctx)
    platform = state.read(call.layout.state_file)
    if platform is None or platform.supervisor.process() is None or platform.phase is Phase.FAILED:
        _say_stopped(call, platform, json=json)
        raise typer.Exit(1)
    report = asyncio.run(inspect(call.settings, platform))
    if json:
        echo_json({"data_dir": call.layout.root, **_head(platform), **asdict(report)})
    else:
        _show(call, platform, report)
    if platform.phase is not Phase.READY or any(process["state"] != Condition.READY for process in report.processes):
        raise typer.Exit(1)


def _say_stopped(call: Invocation, platform: PlatformState | None, *, json: bool) -> None:
    failed = platform is not None and platform.phase is Phase.FAILED
    why = f"the last start failed: {platform.activity}" if platform is not None and failed else ""
    if platform is not None and not failed:
        why = "headwater was killed: `headwater down` or `headwater up` ends what it left running"
    if json:
        echo_json({"data_dir": call.layout.root, "phase": "failed" if failed else "stopped", "why": why})
    else:
        typer.echo(
            f"not running in {call.layout.root}: start it with `{call.layout.command('up')}`"
            + (f" ({why})" if why else "")
        )


def _head(platform: PlatformState) -> dict[str, Any]:
    return {
        "phase": platform.phase,
        "activity": platform.activity,
        "version": platform.version,
        "kafka_bootstrap": platform.kafka_bootstrap,
        "milvus_uri": platform.milvus_uri,
    }


def _show(call: Invocation, platform: PlatformState, report: Inspection) -> None:
    console = Console()
    standing = [found for found in report.processes if found["state"] == NOT_SERVING]
    console.print(_headline(platform, standing), markup=False, highlight=False, soft_wrap=True)
    console.print(_processes(platform, report))
    _show_standing(console, call, standing)
    if report.documents is not None:
        console.print(f"\n{report.documents} documents, {report.chunks} chunks", highlight=False)
    if report.reindex is not None:
        said = f"reindex {progress_of(report.reindex)}: `{call.layout.command('reindex status')}` says more"
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    for companion in report.beside:
        console.print(_beside(companion), markup=False, highlight=False, soft_wrap=True)
    if report.lags:
        console.print(_lags(report.lags))
    if report.dead_letters:
        console.print(_dead_letters(report.dead_letters))
        console.print(f"[dim]what they are: {escape(call.layout.command('dead-letters list'))}[/dim]", soft_wrap=True)
    for fault in report.faults:
        console.print(f"[red]{escape(fault)}[/red]", highlight=False)


def _beside(companion: CompanionReported) -> str:
    """An encoder that stands beside, in a line."""
    if companion.stage is CompanionStage.FAILED:
        return f"beside it {companion.name}: failed, {companion.reason}"
    if companion.stage is CompanionStage.WHOLE:
        behind = max(0, companion.total - companion.done)
        return f"beside it {companion.name}: whole" + (f", {behind:,} records behind" if behind else "")
    return f"beside it {companion.name}: {companion.stage}, {companion.done:,} of {companion.total:,} records"


def _headline(platform: PlatformState, standing: Sequence[dict[str, Any]]) -> str:
    if standing:
        return f"not serving: {', '.join(found['name'] for found in standing)}"
    return f"{platform.phase} {platform.activity}".strip()


def _show_standing(console: Console, call: Invocation, standing: Sequence[dict[str, Any]]) -> None:
    """Prints why services do not serve, and where to look next."""
    if not standing:
        return
    console.print()
    for found in standing:
        console.print(f"[red]{found['name']} is not serving: {escape(found['reason'])}[/red]", soft_wrap=True)
    letters, log = call.layout.command("dead-letters list"), call.layout.command(f"logs {standing[0]['name']}")
    console.print(f"next: `{letters}`, `{log}`; docs/delivery.md says what to do", markup=False, soft_wrap=True)


def _processes(platform: PlatformState, report: Inspection) -> Table:
    table = Table("process", "state", "pid", "address", "restarts", "last exit", "up", box=None, pad_edge=False)
    for name, address in external_engines(platform):
        table.add_row(name, "existing", "", address)
    for found in report.processes:
        style = "" if found["state"] == Condition.READY else "red"
        cells = ("name", "state", "pid", "address", "restarts", "last_exit")
        table.add_row(*("" if found[cell] is None else str(found[cell]) for cell in cells), _up(found), style=style)
    return table


def _up(found: dict[str, Any]) -> str:
    seconds = found["uptime_seconds"]
    return "" if seconds is None else duration(seconds)


def duration(seconds: int) -> str:
    """A time in its two largest units, as in `3h 5m`."""
    if seconds >= _DAY_SECONDS:
        return f"{seconds // _DAY_SECONDS}d {seconds % _DAY_SECONDS // _HOUR_SECONDS}h"
    if seconds >= _HOUR_SECONDS:
        return f"{seconds // _HOUR_SECONDS}h {seconds % _HOUR_SECONDS // _MINUTE_SECONDS}m"
    return f"{seconds // _MINUTE_SECONDS}m {seconds % _MINUTE_SECONDS}s"


def _lags(lags: Sequence[GroupLag]) -> Table:
    table = Table("\ngroup", "\ntopic", "\nlag", box=None, pad_edge=False)
    for lag in lags:
        table.add_row(lag.group, lag.topic, str(lag.lag))
    return table


def _dead_letters(found: Sequence[DeadLetters]) -> Table:
    table = Table("\nopen dead letters", "\ncount", "\nreasons of the latest", box=None, pad_edge=False)
    for letters in found:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(letters.reasons.items()))
        table.add_row(letters.topic, str(letters.count), escape(reasons), style="yellow")
    return table
