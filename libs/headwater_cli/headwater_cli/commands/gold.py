"""`headwater gold`: questions whose answers are known, by which models and users are measured."""

import json as jsonlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import GoldLabel, GoldQuestion
from rich.console import Console
from rich.table import Table

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.output import echo_json

AT_ONCE = 500

gold = typer.Typer(help="Keep questions whose answers are known, to measure by.", no_args_is_help=True, name="gold")


@gold.command()
def add(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl",
            help='A JSON object a line: text, and relevant (document id to grade, 0 to 3), as {"text": "when does the '
            'office open?", "relevant": {"hours": 3}}.',
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Add questions; one that is there already is replaced. All lines are read before anything is written."""
    questions = list(read_questions(file))
    if not questions:
        raise InvalidInput(f"{file} has no question", field="questions")
    added = replaced = 0
    with connected(ctx, tenant, user) as client:
        for start in range(0, len(questions), AT_ONCE):
            new, old = client.add_gold(questions[start : start + AT_ONCE])
            added, replaced = added + new, replaced + old
    if json:
        echo_json({"added": added, "replaced": replaced})
    else:
        typer.echo(f"{added:,} added, {replaced:,} replaced; a model is held to those that were asked since")


@gold.command("list")
def list_gold(ctx: typer.Context, *, tenant: Tenant = TENANT, user: User = "", json: Json = False) -> None:
    """List the questions, with their documents and grades."""
    with connected(ctx, tenant, user) as client:
        questions = client.gold()
    if json:
        echo_json({"questions": [values(question) for question in questions]})
        return
    table = Table("question", "documents", "by", box=None, pad_edge=False)
    for question in questions:
        documents = " ".join(f"{label.document_id}:{label.grade}" for label in question.labels)
        table.add_row(question.query, documents, question.user)
    if questions:
        Console().print(table)
    else:
        typer.echo("no question is kept: `headwater gold add FILE.jsonl`")


@gold.command()
def remove(
    ctx: typer.Context,
    questions: Annotated[list[str] | None, typer.Argument(help="The questions, in their words.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Take questions out."""
    with connected(ctx, tenant, user) as client:
        removed = client.remove_gold(questions or (), everything=everything)
    if json:
        echo_json({"removed": removed})
    else:
        typer.echo(f"{removed:,} removed")


def read_questions(file: Path) -> Iterator[GoldQuestion]:
    """The questions of a JSON Lines file. Raises InvalidInput, naming the line."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = jsonlib.loads(line)
            labels = tuple(GoldLabel(str(document), int(grade)) for document, grade in entry["relevant"].items())
            yield GoldQuestion("", str(entry["text"]), labels, "", 0.0)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InvalidInput(
                f"{file}, line {number}: give a JSON object with text and relevant: {error!r}", field="questions"
            ) from None


def values(question: GoldQuestion) -> dict[str, Any]:
    """A question for machines, as `add` takes it."""
    relevant = {label.document_id: label.grade for label in question.labels}
    return {"text": question.query, "relevant": relevant, "user": question.user, "time": question.time}
