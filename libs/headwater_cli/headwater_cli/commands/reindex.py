"""`headwater reindex`: another model for the index, while searches go on."""

import json as jsonlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from headwater_client import Client
from headwater_inference.registry import known
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_kit.core.reindexes import JudgedQuery, ReindexReported, ReindexStage, ReindexStatus
from rich.console import Console

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.output import echo_json
from headwater_cli.commands.rebuild import progress_bar
from headwater_cli.invocation import Invocation

# A service that was killed is back within seconds, and goes on with what was cut off a few seconds later.
RETURN_SECONDS = 60.0
RETRY_SECONDS = 1.0
# What an operator may do next with one that is ready, by its judgement.
PASSED = "`headwater reindex promote`, or `cancel`"
NOT_PASSED = "`headwater reindex judge --queries FILE`, `promote --below-gate`, or `cancel`"
Queries = Annotated[
    Path | None,
    typer.Option(
        help="Queries to compare the models by, a JSON object a line: text, and where known relevant (document id to "
        "grade) or _id; else those that users asked last.",
        exists=True,
        dir_okay=False,
    ),
]
Qrels = Annotated[
    Path | None,
    typer.Option(
        help="Judgements by the queries' _id, tab separated: query, document, grade.", exists=True, dir_okay=False
    ),
]

reindex = typer.Typer(help="Change the index to another model, while searches go on.", no_args_is_help=True)


@reindex.callback(invoke_without_command=True)
def begin(
    ctx: typer.Context,
    *,
    model: Annotated[str, typer.Option(help="Model to change to, by its name or id.")] = "",
    queries: Queries = None,
    qrels: Qrels = None,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Embed all documents with another model, beside what searches read, and compare the two.

    Goes on if this command is interrupted; called again, it shows the one under way.
    """
    if ctx.invoked_subcommand is not None:
        return
    if not model:
        raise typer.BadParameter("say which model to change to", param_hint="--model")
    asked = read_queries(queries, qrels, tenant) if queries else []
    with connected(ctx, tenant, user) as client:
        status = _followed(client, model)
        if status.report is not None and status.report.stage is ReindexStage.READY:
            status = client.judge_reindex(asked)
    _show(ctx, status, json=json)
    if status.report is None or not status.report.stage.is_settled:
        raise typer.Exit(1)


@reindex.command("status")
def show_status(ctx: typer.Context, *, tenant: Tenant = TENANT, user: User = "", json: Json = False) -> None:
    """Show what the last reindex is at, and how the models compare."""
    _call(ctx, tenant, user, lambda client: client.reindex_status(), json=json)


@reindex.command()
def judge(
    ctx: typer.Context,
    *,
    queries: Queries = None,
    qrels: Qrels = None,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Compare the two models again, by these queries or by those that users asked last."""
    asked = read_queries(queries, qrels, tenant) if queries else []
    _call(ctx, tenant, user, lambda client: client.judge_reindex(asked), json=json)


@reindex.command()
def promote(
    ctx: typer.Context,
    *,
    below_gate: Annotated[bool, typer.Option("--below-gate", help="Promote it though it did not pass.")] = False,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Let searches read the new model's vectors; refused where it did not pass the gate."""
    _call(ctx, tenant, user, lambda client: client.promote_reindex(below_gate=below_gate), json=json)


@reindex.command()
def rollback(ctx: typer.Context, *, tenant: Tenant = TENANT, user: User = "", json: Json = False) -> None:
    """Let searches read the old model's vectors again."""
    _call(ctx, tenant, user, lambda client: client.rollback_reindex(), json=json)


@reindex.command()
def cancel(ctx: typer.Context, *, tenant: Tenant = TENANT, user: User = "", json: Json = False) -> None:
    """Give the reindex up, and drop what it made."""
    _call(ctx, tenant, user, lambda client: client.cancel_reindex(), json=json)


def read_queries(queries: Path, qrels: Path | None, tenant: str) -> list[JudgedQuery]:
    """Queries of a JSON Lines file, with the judgements in it and beside it. Raises HeadwaterError."""
    judged: dict[str, dict[str, int]] = {}
    for line in qrels.read_text(encoding="utf-8").splitlines() if qrels else ():
        # A heading has no number in its last column.
        with suppress(ValueError):
            query, document, grade = line.split("\t")
            judged.setdefault(query, {})[document] = int(grade)
    found = []
    for number, line in enumerate(queries.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = jsonlib.loads(line)
            relevant = {**entry.get("relevant", {}), **judged.get(str(entry.get("_id", "")), {})}
            found.append(JudgedQuery(entry.get("tenant", tenant), entry["text"], relevant))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise HeadwaterError(f"{queries}, line {number}: no JSON object with a text: {error!r}") from error
    return [one for one in found if one.relevant] if qrels else found


def _call(ctx: typer.Context, tenant: str, user: str, call: Callable[[Client], ReindexStatus], *, json: bool) -> None:
    with connected(ctx, tenant, user) as client:
        _show(ctx, call(client), json=json)


def _followed(client: Client, model: str) -> ReindexStatus:
    last = ReindexStatus()
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("beginning", total=None)
        for last in _progress(lambda: client.reindex(model)):
            report = last.report
            if report is not None:
                bar.update(task, description=report.stage.value, completed=report.done, total=report.total or None)
    return last


def _progress(join: Callable[[], Iterable[ReindexStatus]]) -> Iterator[ReindexStatus]:
    """Until it is ready or over; joined again where the service went away meanwhile."""
    is_begun, away = False, None
    while True:
        try:
            for status in join():
                is_begun, away = True, None
                yield status
        except Unavailable:
            if not is_begun:
                raise
            away = away or time.monotonic()
            if time.monotonic() - away > RETURN_SECONDS:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return


def _show(ctx: typer.Context, status: ReindexStatus, *, json: bool) -> None:
    if json:
        echo_json(asdict(status))
        return
    report, judgement = status.report, status.judgement
    if report is None:
        typer.echo("the index was never changed to another model")
        return
    registry = known(Invocation.of(ctx).settings.model_store().root)
    names = {spec.model_id: spec.name for spec in registry.models.values()}
    old, new = (names.get(one.model_id, one.model_id) for one in (report.incumbent, report.challenger))
    typer.echo(f"{progress_of(report)}: {old} to {new}")
    if report.passed_over:
        typer.echo(f"  {report.passed_over:,} records could not be applied: see the logs of index")
    if report.stage is ReindexStage.PROMOTED:
        typer.echo(
            f"  searches read {report.challenger.collection}{_until(report.drop_time, '; a rollback is possible')}"
        )
    if report.reason:
        typer.echo(f"  {report.reason}")
    if judgement is not None:
        typer.echo(f"  {'passed' if judgement.passed else 'did not pass'}: {judgement.reason}")
    if report.stage is ReindexStage.READY:
        passed = judgement is not None and judgement.passed
        typer.echo(f"  searches read {report.incumbent.collection}; next: {PASSED if passed else NOT_PASSED}")


def progress_of(report: ReindexReported) -> str:
    """What it is at, and how far where that takes its time."""
    if report.stage not in (ReindexStage.EMBEDDING, ReindexStage.CHECKING):
        return report.stage.value
    end = _at(report.estimated_end_time, ", done by")
    return f"{report.stage.value}, {report.done:,} of {report.total:,} records{end}"


def _until(moment: float | None, what: str) -> str:
    return _at(moment, f"{what} until")


def _at(moment: float | None, what: str) -> str:
    return "" if moment is None else f"{what} {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(moment))}"
