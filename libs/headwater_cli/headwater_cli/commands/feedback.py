"""`headwater feedback`: what one thinks of an answer."""

from typing import Annotated

import typer
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import Reaction

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.output import echo_json


def feedback(
    ctx: typer.Context,
    answer_id: Annotated[str, typer.Argument(help="The id that `ask` or `search` printed.")],
    *,
    up: Annotated[bool, typer.Option("--up", help="It helped.")] = False,
    down: Annotated[bool, typer.Option("--down", help="It did not help.")] = False,
    passage: Annotated[
        int, typer.Option(help="Rank of the passage meant; 0 means what the answer cites.", min=0, max=100)
    ] = 0,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Say whether an answer, or one of its passages, helped; one vote a user and passage."""
    if up == down:
        raise InvalidInput("say either --up or --down", field="reaction")
    reaction = Reaction.UP if up else Reaction.DOWN
    with connected(ctx, tenant, user) as client:
        feedback_id = client.react(answer_id, reaction, rank=passage)
    if json:
        echo_json({"feedback_id": feedback_id, "answer_id": answer_id, "reaction": reaction, "passage": passage})
    else:
        typer.echo(
            f"recorded {reaction} as {feedback_id}; it takes the place of any former vote of yours on the passage"
        )
