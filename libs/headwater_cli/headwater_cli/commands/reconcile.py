"""`headwater reconcile`: the index compared with the log, and repaired."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from headwater_client import DocumentDrift, ReconcileProgress, TenantDrift
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from headwater_cli.commands.connect import TENANT, Json, User, connected
from headwater_cli.commands.output import echo_json

DRIFTING = 1


def reconcile(
    ctx: typer.Context,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Delete rows that are too many, write those missing.")
    ] = False,
    tenant: Annotated[str, typer.Option(help="Compare this tenant only; else all.", envvar="HEADWATER_TENANT")] = "",
    user: User = "",
    json: Json = False,
) -> None:
    """Compare the index with the log: missing, extra and mixed rows, by tenant.

    Exits with 1 where documents differ and were not repaired.
    """
    with connected(ctx, tenant or TENANT, user, is_subject=True) as client, _bar() as progress:
        drifts = _watched(client.reconcile(tenant, repair=repair), progress)
    left = sum(drift.drift for drift in drifts)
    if json:
        echo_json({"repair": repair, "drift": left, "tenants": [asdict(drift) for drift in drifts]})
    else:
        _show(drifts, left, repair=repair)
    if left:
        raise typer.Exit(DRIFTING)


def _watched(updates: Iterable[ReconcileProgress | TenantDrift], progress: Progress) -> list[TenantDrift]:
    task, drifts = progress.add_task("beginning", total=None, count=""), []
    for update in updates:
        if isinstance(update, TenantDrift):
            drifts.append(update)
        else:
            _move(progress, task, update)
    return drifts


def _move(progress: Progress, task: TaskID, update: ReconcileProgress) -> None:
    count = f"{update.done:,} of {update.total:,}" if update.total else f"{update.done:,}"
    progress.update(task, description=update.stage.value, count=count)


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _show(drifts: Sequence[TenantDrift], left: int, *, repair: bool) -> None:
    console = Console()
    table = Table("tenant", "documents", "missing", "extra", "mixed", "repaired", "pending", box=None, pad_edge=False)
    for drift in drifts:
        cells = (drift.documents, drift.missing, drift.extra, drift.mixed, drift.repaired, drift.pending)
        table.add_row(_whose(drift), *(f"{cell:,}" for cell in cells), style="yellow" if drift.drift else "")
    console.print(table if drifts else "no documents")
    if drifts:
        console.print("[dim]documents, deleted ones included[/dim]")
    for drift in drifts:
        _show_examples(console, drift)
        if drift.put_aside:
            were = "was put aside on its way" if drift.put_aside == 1 else "were put aside on their way"
            console.print(f"{drift.put_aside:,} of {escape(drift.tenant)} {were}: `headwater dead-letters list`")
    console.print(_verdict(left, repair=repair), highlight=False)


def _whose(drift: TenantDrift) -> str:
    """The tenant, and of a collection that stands beside, its encoder."""
    return escape(f"{drift.tenant} by {drift.beside}" if drift.beside else drift.tenant)


def _show_examples(console: Console, drift: TenantDrift) -> None:
    for one in drift.examples:
        name = f"[dim]{one.kind.value:<7}[/dim] {_whose(drift)} {escape(one.document_id)}"
        console.print(f"  {name}  {_difference(one)}", highlight=False, soft_wrap=True)


def _difference(one: DocumentDrift) -> str:
    counts = [(count, word) for count, word in ((one.missing_rows, "missing"), (one.extra_rows, "extra")) if count]
    rows = ", ".join(f"{count:,} {word} {'row' if count == 1 else 'rows'}" for count, word in counts)
    versions = f"accepted {one.accepted_version or 'none'}, served {one.served_version or 'none'}"
    return f"{rows} · {versions}" + (" · repaired" if one.repaired else "")


def _verdict(left: int, *, repair: bool) -> str:
    if not left:
        return "[green]the index is what the log says[/green]"
    documents, them = ("1 document", "it") if left == 1 else (f"{left:,} documents", "them")
    if repair:
        return f"[red]{documents} could not be repaired: the log does not hold {them} whole; ingest {them} again[/red]"
    differ = "differs" if left == 1 else "differ"
    return f"[yellow]{documents} {differ}: `headwater reconcile --repair` mends {them}[/yellow]"
