"""`headwater forget`: a user taken out of what was learned, with the proof."""

from dataclasses import asdict
from typing import Annotated

import typer
from headwater_client import Forgotten

from headwater_cli.commands.connect import TENANT, Json, Tenant, connected
from headwater_cli.commands.output import echo_json

SHOWN_DIGITS = 16


def forget(
    ctx: typer.Context,
    *,
    user: Annotated[str, typer.Option(help="Who is to be forgotten.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be forgotten.")] = False,
    tenant: Tenant = TENANT,
    json: Json = False,
) -> None:
    """Forget all that a user taught: their reactions, and what was learned from them.

    Returns once nothing of it is served, with a hash over all that is learned
    beside that over all that the log teaches without the user: they are the same.
    """
    # Acting as whoever calls: the user is whom it is about.
    with connected(ctx, tenant, "") as client:
        forgotten = client.forget_user(user, dry_run=dry_run)
    if json:
        echo_json({"user": user, "dry_run": dry_run, "is_proven": forgotten.is_proven, **asdict(forgotten)})
    else:
        typer.echo(_said(user, forgotten, dry_run=dry_run))


def _said(user: str, found: Forgotten, *, dry_run: bool) -> str:
    learned, without = found.sha256_learned[:SHOWN_DIGITS], found.sha256_without[:SHOWN_DIGITS]
    if dry_run:
        change = "what is learned would stay as it is" if found.is_proven else f"{learned} would become {without}"
        return f"{found.examples:,} examples of {user} would be taken back; {change}"
    return (
        f"{found.examples:,} examples of {user} taken back; {found.models:,} models are learned, "
        f"sha256 {learned}…, without the user {without}…: {'the same' if found.is_proven else 'NOT the same'}"
    )
