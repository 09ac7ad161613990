"""`headwater feedback`: what one thinks of an answer, or did with it."""

from typing import Annotated

import typer
from headwater_client import Reacted
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import Reaction, Standing

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.output import echo_json

_Said = tuple[Reaction, float, str]


def feedback(
    ctx: typer.Context,
    answer_id: Annotated[str, typer.Argument(help="The id that `ask` or `search` printed.")],
    *,
    up: Annotated[bool, typer.Option("--up", help="It helped.")] = False,
    down: Annotated[bool, typer.Option("--down", help="It did not help.")] = False,
    click: Annotated[bool, typer.Option("--click", help="You opened it.")] = False,
    copy: Annotated[bool, typer.Option("--copy", help="You copied from it.")] = False,
    cited: Annotated[bool, typer.Option("--cited", help="You opened what the answer cites.")] = False,
    dwell: Annotated[float | None, typer.Option(help="You stayed with it for so many seconds.")] = None,
    rating: Annotated[int | None, typer.Option(help="From 1 (useless) to 5 (what you sought).")] = None,
    correct: Annotated[str | None, typer.Option(help="What is right instead; reviewers see it.")] = None,
    reformulated: Annotated[bool, typer.Option("--reformulated", help="You asked anew in other words.")] = False,
    abandoned: Annotated[bool, typer.Option("--abandoned", help="You went away without anything of use.")] = False,
    expert: Annotated[
        int | None, typer.Option(help="As an operator: from 0 (irrelevant) to 3 (answers it fully).")
    ] = None,
    passage: Annotated[int, typer.Option(help="Rank of the passage meant; 0 means what the answer cites.", min=0)] = 0,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Say what you made of an answer, or of one of its passages; one vote a user and passage."""
    flags = {
        Reaction.UP: up,
        Reaction.DOWN: down,
        Reaction.CLICK: click,
        Reaction.COPY: copy,
        Reaction.CITATION_OPENED: cited,
        Reaction.REFORMULATED: reformulated,
        Reaction.ABANDONED: abandoned,
    }
    values = {Reaction.DWELL: dwell, Reaction.RATING: rating, Reaction.EXPERT_LABEL: expert}
    reaction, value, text = _one_of(flags, values, correct)
    with connected(ctx, tenant, user) as client:
        reacted = client.react(answer_id, reaction, rank=passage, value=value, text=text)
    if json:
        fields = {"answer_id": answer_id, "reaction": reaction, "passage": passage}
        echo_json({"feedback_id": reacted.feedback_id, **fields, "standing": reacted.standing})
    else:
        typer.echo(_told(reaction, reacted))


def _one_of(flags: dict[Reaction, bool], values: dict[Reaction, float | None], correct: str | None) -> _Said:
    said: list[_Said] = [(reaction, 0.0, "") for reaction, is_set in flags.items() if is_set]
    said += [(reaction, float(value), "") for reaction, value in values.items() if value is not None]
    if correct is not None:
        said.append((Reaction.CORRECTION, 0.0, correct))
    if len(said) != 1:
        raise InvalidInput("say one thing at a time, such as --up or --down or --rating 4", field="reaction")
    return said[0]


def _told(reaction: Reaction, reacted: Reacted) -> str:
    recorded = f"recorded {reaction} as {reacted.feedback_id}"
    if reacted.standing is Standing.NOT_KNOWN_YET:
        return (
            f"{recorded}; but no answer and no search of this id is known to have been shown to you. If that stays so "
            "for a day, it has no effect: check the id, --tenant and --user"
        )
    if reaction in (Reaction.UP, Reaction.DOWN, Reaction.RATING):
        return f"{recorded}; it takes the place of any former vote of yours on the passage"
    return recorded
