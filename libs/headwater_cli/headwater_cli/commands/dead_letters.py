"""`headwater dead-letters`: records that could not be processed, shown, sent on their way again or closed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any

import typer
from headwater_kit.bus.letters import Criteria, Letter, Place, Redrive, Report, latest, letter_of, plan, read_letter
from headwater_kit.bus.letters import discard as close_unsent
from headwater_kit.bus.ports import Bus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.errors import HeadwaterError, InvalidInput
from rich.console import Console

from headwater_cli.commands.connect import Json, reached_bus
from headwater_cli.commands.ingest import progress_bar
from headwater_cli.commands.letter_display import letter_values, show_letter, show_letters, show_plan, show_report
from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation

# By fields of `Criteria`. The tenant is not from the environment, and empty: an operator looks at all of them.
CHOICES = {
    "topic": "Only records that came from this topic.",
    "group": "Only what this consumer group put aside.",
    "reason": "Only with this reason code, such as TOO_LARGE.",
    "key": "Only of this document id, or with this key.",
    "tenant": "Only of this tenant's documents.",
}
Places = Annotated[list[str] | None, typer.Argument(metavar="PLACE", help="Only what lies there, as `list` shows it.")]

dead_letters = typer.Typer(
    help="List, show, redrive and discard records that could not be processed.",
    no_args_is_help=True,
    name="dead-letters",
)


def choosing(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options that say which letters it is about, which it gets as `criteria`."""

    @wraps(command)
    def run(*given: Any, **options: Any) -> None:
        chosen = {name: options.pop(name) for name in CHOICES}
        command(*given, criteria=Criteria(**chosen), **options)

    own = signature(command).parameters
    choices = [
        Parameter(name, Parameter.KEYWORD_ONLY, default="", annotation=Annotated[str, typer.Option(help=text)])
        for name, text in CHOICES.items()
    ]
    before = [one for one in own.values() if one.kind is not Parameter.KEYWORD_ONLY]
    after = [one for one in own.values() if one.kind is Parameter.KEYWORD_ONLY and one.name != "criteria"]
    run.__signature__ = signature(command).replace(parameters=[*before, *choices, *after])  # type: ignore[attr-defined]
    return run


@dead_letters.command("list")
@choosing
def list_letters(
    ctx: typer.Context,
    *,
    criteria: Criteria,
    limit: Annotated[int, typer.Option(help="Show at most this many, the latest first.", min=1)] = 20,
    closed: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    json: Json = False,
) -> None:
    """List what is open: why each record was put aside, and where it lies."""
    criteria = replace(criteria, closed=closed)
    found = asyncio.run(latest(reached_bus(ctx), criteria, limit))
    if json:
        values = [letter_values(letter) for letter in found.letters]
        echo_json({"total": found.total, "reasons": found.reasons, "letters": values})
    elif not found.total:
        typer.echo("no dead letters" if criteria == Criteria(closed=closed) else "no dead letter matches")
    else:
        show_letters(Console(), found, Invocation.of(ctx).layout)


@dead_letters.command()
def show(
    ctx: typer.Context,
    place: Annotated[str, typer.Argument(help="Where it lies: topic/partition/offset, as `list` shows it.")],
    *,
    json: Json = False,
) -> None:
    """Show one dead letter: what went wrong, its headers, its value."""
    record = asyncio.run(read_letter(reached_bus(ctx), Place.parse(place)))
    show_letter(Console(), letter_of(record), record, json=json)


@dead_letters.command()
@choosing
def redrive(
    ctx: typer.Context,
    places: Places = None,
    *,
    criteria: Criteria,
    limit: Annotated[int | None, typer.Option(help="Redrive at most this many, the oldest first.", min=1)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be sent, in its order.")] = False,
    json: Json = False,
) -> None:
    """Send open dead letters to where they came from: after the fix, as often as you like.

    Each goes as it came, in the order of its document. An event that something
    newer has overtaken changes nothing.
    """
    criteria = _at(places, criteria)
    if dry_run:
        planned = asyncio.run(plan(reached_bus(ctx), criteria, limit))
        show_plan(Console(), planned, json=json)
        return
    report = asyncio.run(_redrive(reached_bus(ctx), criteria, limit))
    show_report(Console(), report, Invocation.of(ctx).layout, json=json)
    if report.failed:
        raise HeadwaterError(f"{len(report.failed)} of {report.done} could not be redriven and stay open")


@dead_letters.command()
@choosing
def discard(
    ctx: typer.Context,
    places: Places = None,
    *,
    criteria: Criteria,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be closed.")] = False,
    json: Json = False,
) -> None:
    """Close open dead letters that nothing is to be done about: what was written since has made them moot.

    They are not sent. `list --all` and `show` have them until their topic forgets them.
    """
    criteria = _at(places, criteria)
    if criteria == Criteria():
        options = ", ".join(f"--{name}" for name in CHOICES)
        raise InvalidInput(f"say which: by PLACE, or by {options}", field="places")
    planned = asyncio.run(_discard(reached_bus(ctx), criteria, dry_run=dry_run))
    if dry_run:
        show_plan(Console(), planned, json=json)
    elif json:
        echo_json({"discarded": len(planned)})
    else:
        typer.echo(f"{len(planned)} discarded")


def _at(places: Sequence[str] | None, criteria: Criteria) -> Criteria:
    return replace(criteria, places=frozenset(map(Place.parse, places or ())))


async def _discard(bus: Bus, criteria: Criteria, *, dry_run: bool) -> Sequence[Letter]:
    planned = await plan(bus, criteria)
    if not dry_run:
        await close_unsent(bus, SystemClock(), planned)
    return planned


async def _redrive(bus: Bus, criteria: Criteria, limit: int | None) -> Report:
    with progress_bar(Console(stderr=True)) as progress:
        task = progress.add_task("reading", total=None)
        planned = await plan(bus, criteria, limit)
        progress.update(task, description="redriven", total=len(planned))
        return await Redrive(bus, SystemClock()).send(
            planned, lambda report: progress.update(task, completed=report.done)
        )
