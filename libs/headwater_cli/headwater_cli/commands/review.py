"""`headwater review`: what a person should look at, and that person's word on it."""

from dataclasses import asdict
from typing import Annotated

import typer
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import Reaction
from headwater_kit.core.learning import GoldLabel, GoldQuestion
from headwater_kit.core.reviews import ReviewItem, ReviewKind
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.output import echo_json

review = typer.Typer(
    help="What needs a person's eye: list it, label passages, keep a question as gold.", no_args_is_help=True
)


@review.command("list")
def list_items(
    ctx: typer.Context,
    *,
    kind: Annotated[ReviewKind | None, typer.Option(help="Of this kind alone.")] = None,
    limit: Annotated[int, typer.Option(help="Show at most this many of each kind.", min=1, max=500)] = 20,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """List disputed passages, corrections, questions left unanswered or in doubt, and what was put aside, by reason."""
    with connected(ctx, tenant, user) as client:
        items = client.reviews(kind, limit)
    if json:
        echo_json({"items": [asdict(item) for item in items]})
        return
    if not items:
        typer.echo("nothing needs a look")
        return
    table = Table("kind", "answer", "passage", "question", "what", "count", box=None, pad_edge=False)
    for item in items:
        rank = str(item.rank) if item.rank else ""
        table.add_row(item.kind, *map(escape, (item.impression_id, rank, item.query, _what(item))), f"{item.count:,}")
    Console().print(table)


@review.command()
def label(
    ctx: typer.Context,
    answer_id: Annotated[str, typer.Argument(help="The id that `list` shows.")],
    *,
    passage: Annotated[int, typer.Option(help="Rank of the passage.", min=1)],
    grade: Annotated[int, typer.Option(help="From 0 (irrelevant) to 3 (answers it fully).", min=0, max=3)],
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Label a passage as an expert, which counts as five users and settles a dispute."""
    with connected(ctx, tenant, user) as client:
        reacted = client.react(answer_id, Reaction.EXPERT_LABEL, rank=passage, value=float(grade), text="")
    if json:
        echo_json({"feedback_id": reacted.feedback_id, "standing": reacted.standing})
    else:
        typer.echo(f"labelled passage {passage} of {answer_id}: {grade}, as {reacted.feedback_id}")


@review.command()
def gold(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="The question, in its words.")],
    relevant: Annotated[list[str], typer.Argument(metavar="DOCUMENT:GRADE", help="What answers it, 0 to 3.")],
    *,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Keep a question as gold, which settles its corrections and takes it off what was left unanswered."""
    asked = GoldQuestion("", question, tuple(map(_graded, relevant)), "", 0.0)
    with connected(ctx, tenant, user) as client:
        added, replaced = client.add_gold([asked])
    if json:
        echo_json({"added": added, "replaced": replaced})
    else:
        typer.echo("kept in the place of the former" if replaced else "kept")


def _graded(text: str) -> GoldLabel:
    document_id, _, grade = text.rpartition(":")
    if not document_id or not grade.isdigit():
        raise InvalidInput(f"{text!r}: give DOCUMENT:GRADE, such as hours:3", field="relevant")
    return GoldLabel(document_id, int(grade))


def _what(item: ReviewItem) -> str:
    match item.kind:
        case ReviewKind.CONTESTED:
            return f"{item.document_id}: {item.users_for} for, {item.users_against} against"
        case ReviewKind.CORRECTION:
            return item.text
        case ReviewKind.QUARANTINED:
            return f"{item.reason}: {item.detail}"
        case ReviewKind.UNANSWERED:
            return "left without anything of use"
        case ReviewKind.UNCERTAIN:
            return f"{item.document_id}: nearly as good as the first"
