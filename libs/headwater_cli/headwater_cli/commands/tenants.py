"""`headwater tenants`: a tenant deleted, and what is left of it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from headwater_client import DeletionProgress, TenantRemains
from headwater_kit.core.errors import InvalidInput
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from headwater_cli.commands.connect import TENANT, Json, User, connected
from headwater_cli.commands.output import echo_json

LEFT = 1

Name = Annotated[str, typer.Argument(help="The tenant.")]
Operator = Annotated[str, typer.Option(help="Tenant of the operators, to act in.", envvar="HEADWATER_TENANT")]

tenants = typer.Typer(help="Delete a tenant, and show what there is of one.", no_args_is_help=True, name="tenants")


@tenants.command()
def delete(
    ctx: typer.Context,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tenant: Operator = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Erase all that a tenant has, for good, and show what is left.

    Documents with their rows and vectors, what was learned, answers, open dead
    letters. What it writes meanwhile comes to nothing; afterwards it may begin
    anew. Exits with 1 where something is left in use: then delete again.
    """
    if not yes and not typer.confirm(f"Erase all that tenant {name} has, for good?"):
        raise typer.Abort
    _run(ctx, name, tenant, user, report_only=False, json=json)


@tenants.command()
def show(ctx: typer.Context, name: Name, *, tenant: Operator = TENANT, user: User = "", json: Json = False) -> None:
    """Count what there is of a tenant, place by place; exits with 0."""
    _run(ctx, name, tenant, user, report_only=True, json=json)


def _run(ctx: typer.Context, name: str, tenant: str, user: str, *, report_only: bool, json: bool) -> None:
    if not name.strip():
        raise InvalidInput("name the tenant", field="name")
    with connected(ctx, tenant, user) as client, _bar() as progress:
        found = _watched(client.delete_tenant(name, report_only=report_only), progress)
    left = sum(remains.left for remains in found)
    if json:
        echo_json({"tenant": name, "left": left, "places": [asdict(remains) for remains in found]})
    else:
        _show(name, found, left)
    if left and not report_only:
        raise typer.Exit(LEFT)


def _watched(updates: Iterable[DeletionProgress | TenantRemains], progress: Progress) -> list[TenantRemains]:
    task, found = progress.add_task("beginning", total=None, count=""), []
    for update in updates:
        if isinstance(update, TenantRemains):
            found.append(update)
        else:
            progress.update(task, description=update.stage.value, count=f"{update.done:,}" if update.done else "")
    return found


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _show(name: str, found: Sequence[TenantRemains], left: int) -> None:
    console = Console()
    table = Table("place", "in use", "expiring", "gone by", box=None, pad_edge=False)
    for remains in found:
        if remains.left or remains.expiring:
            table.add_row(remains.place, f"{remains.left:,}", f"{remains.expiring:,}", _gone_by(remains))
    if table.row_count:
        console.print(table)
    verdict = f"[yellow]{left:,} of tenant {escape(name)} in use[/yellow]"
    console.print(verdict if left else f"[green]nothing of tenant {escape(name)} is in use[/green]", highlight=False)
    if any(remains.expiring for remains in found):
        console.print("[dim]what expires is read by nobody any more, and goes by itself[/dim]")


def _gone_by(remains: TenantRemains) -> str:
    if not remains.expiring:
        return ""
    if remains.gone_by is None:
        return "the next compaction"
    return datetime.fromtimestamp(remains.gone_by, UTC).date().isoformat()
