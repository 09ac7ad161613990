"""`headwater auth`: API keys, and tokens and tenants that may not call."""

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Annotated

import typer
from headwater_kit.auth.api_keys import new_key
from headwater_kit.auth.naming import check_size
from headwater_kit.auth.signed import token_id_of, unverified_claims
from headwater_kit.bus.credentials import CredentialRecords, Said, forgetting, outbound
from headwater_kit.bus.ports import Bus, Outbound
from headwater_kit.bus.scan import scan
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.topics import CREDENTIALS
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.credentials import ApiKey, RevokedToken, TenantStanding
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DEFAULT_TENANT, Principal, check_id
from headwater_kit.core.errors import InvalidInput, NotFound, Unauthenticated
from headwater_kit.core.roles import GRANTABLE, Role
from rich.console import Console

from headwater_cli.commands.auth_display import (
    key_table,
    key_values,
    moment,
    revoked_values,
    standing_values,
    state_of,
)
from headwater_cli.commands.connect import Json, reached_bus
from headwater_cli.commands.output import echo_json

UNITS_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
MAX_DAYS = 3_650
MAX_NOTE_CHARACTERS = 500
CLOSE_SECONDS = 5.0
# What HEADWATER_AUTH_LEEWAY_SECONDS may be at most: for so long after its end a token may be taken.
MAX_LEEWAY_SECONDS = 120.0

auth = typer.Typer(
    help="Make, list and revoke API keys; revoke tokens; suspend and resume tenants.",
    no_args_is_help=True,
    name="auth",
)

# Not from the environment: whom a key is for is said each time.
Tenant = Annotated[str, typer.Option(help="Tenant that the key is for.")]
Note = Annotated[str, typer.Option(help="What it is for, or why, in a few words.")]
Name = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant.")]


@auth.command()
def create(
    ctx: typer.Context,
    *,
    user: Annotated[str, typer.Option(help="Who calls with it: a person or a program.")],
    tenant: Tenant = DEFAULT_TENANT,
    role: Annotated[list[str] | None, typer.Option(help="What it may do; may be repeated. By default reader.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A group that the user is in; may be repeated.")] = None,
    expires: Annotated[str, typer.Option(metavar="TIME", help="After which time it ends, such as 90d or 12h.")] = "",
    note: Note = "",
    json: Json = False,
) -> None:
    """Make an API key and print it: this once, for what is kept of it is a hash."""
    principal = _principal(tenant, user, group or (), role or (Role.READER.value,))
    now = time.time()
    expire_time = now + _seconds(expires) if expires else None
    shown, key = new_key(principal, now, expire_time=expire_time, note=_note(note))
    asyncio.run(_say(reached_bus(ctx), key))
    if json:
        echo_json({"key": shown, **key_values(key)})
        return
    typer.echo(shown)
    typer.echo(f"key {key.key_id} is shown this once: keep it, and set HEADWATER_API_KEY to it", err=True)


@auth.command("list")
def list_keys(
    ctx: typer.Context,
    *,
    tenant: Annotated[str, typer.Option(help="Only keys of this tenant.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Revoked and expired ones, too.")] = False,
    json: Json = False,
) -> None:
    """List the keys that are in force, the tokens that are revoked, and the tenants that are suspended."""
    told = asyncio.run(_read(reached_bus(ctx)))
    now = time.time()
    found = [
        key
        for key in told.all_keys()
        if tenant in {"", key.principal.tenant} and (everything or state_of(key, now) == "in force")
    ]
    suspended = [one for one in told.suspended() if tenant in {"", one.tenant}]
    # A token is nobody's here: whose it is stands in it.
    tokens = [one for one in told.revoked_tokens() if not tenant and (everything or not _is_over(one, now))]
    if json:
        keys, standings = [key_values(key) for key in found], [standing_values(one) for one in suspended]
        echo_json({"keys": keys, "revoked_tokens": [revoked_values(one) for one in tokens], "suspended": standings})
        return
    console = Console()
    if found:
        console.print(key_table(found, now))
    else:
        typer.echo("no keys")
    for token in tokens:
        since, ends = moment(token.revoke_time), moment(token.expire_time)
        typer.echo(f"token {token.token_id} is revoked since {since}, and ends {ends} {token.note}".rstrip())
    for one in suspended:
        typer.echo(f"tenant {one.tenant} is suspended since {moment(one.change_time)} {one.note}".rstrip())


@auth.command()
def revoke(
    ctx: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, as `list` shows it.")],
    *,
    json: Json = False,
) -> None:
    """Revoke a key for good: every service refuses it from now on."""
    key = asyncio.run(_revoke(reached_bus(ctx), key_id))
    if json:
        echo_json(key_values(key))
    else:
        typer.echo(f"key {key.key_id} of {key.principal.user} in tenant {key.principal.tenant} is revoked")


@auth.command("revoke-token")
def revoke_token(
    ctx: typer.Context,
    *,
    token_id: Annotated[str, typer.Option("--id", metavar="JTI", help="The token's id, instead of the token.")] = "",
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="With --id: after which time it ends by itself, such as 12h.")
    ] = "",
    note: Note = "",
    json: Json = False,
) -> None:
    """Revoke a token of the issuer, given on standard input: every service refuses it from now on.

    It is known by its id, the claim `jti`; a token without one cannot be revoked alone.
    """
    now = time.time()
    token = _by_id(token_id, expires, now) if token_id else _shown_token(typer.get_text_stream("stdin").read())
    revoked = RevokedToken(*token, now, _note(note))
    is_over = _is_over(revoked, now)
    if not is_over:
        asyncio.run(_revoke_token(reached_bus(ctx), revoked, now))
    if json:
        echo_json(revoked_values(revoked))
        return
    ends = moment(revoked.expire_time)
    said = f"ended {ends}: there is nothing to revoke" if is_over else f"is revoked; by itself it ends {ends}"
    typer.echo(f"token {revoked.token_id} {said}")


@auth.command()
def suspend(ctx: typer.Context, tenant: Name, *, note: Note = "", json: Json = False) -> None:
    """Refuse every call of a tenant, whatever it shows, until `resume`."""
    _stand(ctx, tenant, note, suspended=True, json=json)


@auth.command()
def resume(ctx: typer.Context, tenant: Name, *, note: Note = "", json: Json = False) -> None:
    """Let a tenant call again."""
    _stand(ctx, tenant, note, suspended=False, json=json)


def _stand(ctx: typer.Context, tenant: str, note: str, *, suspended: bool, json: bool) -> None:
    check_id(tenant, "tenant")
    standing = TenantStanding(tenant, suspended, time.time(), _note(note))
    asyncio.run(_say(reached_bus(ctx), standing))
    if json:
        echo_json(standing_values(standing))
    else:
        typer.echo(f"tenant {tenant} {'is suspended' if suspended else 'may call again'}")


async def _revoke(bus: Bus, key_id: str) -> ApiKey:
    key = (await _read(bus)).key(key_id)
    if key is None:
        raise NotFound(f"no key has the id {key_id!r}: `headwater auth list` shows ids")
    if key.revoke_time is not None:
        return key
    revoked = ApiKey(
        key.key_id, key.secret_hash, key.principal, key.create_time, key.expire_time, time.time(), key.note
    )
    await _say(bus, revoked)
    return revoked


async def _revoke_token(bus: Bus, revoked: RevokedToken, now: float) -> None:
    """Says it, and takes back what was said of tokens that have ended since."""
    over = [one for one in (await _read(bus)).revoked_tokens() if _is_over(one, now)]
    await _send(bus, [outbound(revoked), *map(forgetting, over)])


def _is_over(token: RevokedToken, now: float) -> bool:
    return token.expire_time + MAX_LEEWAY_SECONDS < now


def _by_id(token_id: str, expires: str, now: float) -> tuple[str, float]:
    check_id(token_id, "id")
    if not expires:
        raise InvalidInput("say with --expires when the token ends by itself at the latest", field="expires")
    return token_id, now + _seconds(expires)


def _shown_token(text: str) -> tuple[str, float]:
    """The id and the end of a token, which nobody verifies: who revokes it is believed."""
    try:
        claims = unverified_claims(text.strip())
    except Unauthenticated:
        raise InvalidInput("what came on standard input is no token: give it whole, or --id", field="token") from None
    token_id, ends = token_id_of(claims), claims.get("exp")
    if not token_id:
        raise InvalidInput(
            "the token has no id (jti), so it cannot be revoked alone: suspend its tenant, or wait for its end",
            field="token",
        )
    check_id(token_id, "jti")
    if isinstance(ends, bool) or not isinstance(ends, int | float):
        raise InvalidInput("the token has no end (exp), so nobody takes it", field="token")
    return token_id, float(ends)


async def _say(bus: Bus, said: Said) -> None:
    await _send(bus, [outbound(said)])


async def _send(bus: Bus, records: Sequence[Outbound]) -> None:
    sender = Sender(bus, [CREDENTIALS])
    try:
        await sender.start()
        for record in records:
            await sender.send(record)
    finally:
        await sender.stop(Deadline.after(SystemClock(), CLOSE_SECONDS))


async def _read(bus: Bus) -> CredentialRecords:
    await bus.create_topics([CREDENTIALS.name])
    told = CredentialRecords()
    async with aclosing(scan(bus, CREDENTIALS.name)) as batches:
        async for records in batches:
            for record in records:
                told.apply(record)
    return told


def _principal(tenant: str, user: str, groups: "list[str] | tuple[()]", roles: "list[str] | tuple[str]") -> Principal:
    check_id(tenant, "tenant")
    check_id(user, "user")
    for group in groups:
        check_id(group, "group")
    unknown = set(roles) - GRANTABLE
    if unknown:
        raise InvalidInput(f"there is no role {min(unknown)!r}: give {', '.join(sorted(GRANTABLE))}", field="role")
    principal = Principal(tenant, user, tuple(sorted(set(groups))), frozenset(map(Role, roles)))
    check_size(principal)
    return principal


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    seconds = int(found[1]) * UNITS_SECONDS[found[2]] if found else 0
    if not 0 < seconds <= MAX_DAYS * UNITS_SECONDS["d"]:
        raise typer.BadParameter(
            f"{text!r} is no such time: give a number with m, h or d, such as 90d, {MAX_DAYS}d at most"
        )
    return float(seconds)


def _note(text: str) -> str:
    if len(text) > MAX_NOTE_CHARACTERS or not text.isprintable():
        raise InvalidInput(f"the note must be one line of at most {MAX_NOTE_CHARACTERS} characters", field="note")
    return text
