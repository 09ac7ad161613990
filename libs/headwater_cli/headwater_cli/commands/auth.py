"""`headwater auth`: API keys, and tenants that may not call."""

import asyncio
import re
import time
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from headwater_kit.auth.api_keys import new_key
from headwater_kit.bus.credentials import CredentialRecords, outbound
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.scan import scan
from headwater_kit.bus.sender import Sender
from headwater_kit.bus.topics import CREDENTIALS
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.credentials import ApiKey, TenantStanding
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DEFAULT_TENANT, Principal, check_id
from headwater_kit.core.errors import InvalidInput, NotFound
from headwater_kit.core.roles import GRANTABLE, Role
from rich.console import Console
from rich.table import Table

from headwater_cli.commands.connect import Json
from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation
from headwater_cli.platform import broker, state

UNITS_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
MAX_DAYS = 3_650
MAX_NOTE_CHARACTERS = 500
CLOSE_SECONDS = 5.0

auth = typer.Typer(
    help="Make, list and revoke API keys; suspend and resume tenants.", no_args_is_help=True, name="auth"
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
    asyncio.run(_say(_bus(ctx), key))
    if json:
        echo_json({"key": shown, **_values(key)})
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
    """List the keys that are in force, and the tenants that are suspended."""
    told = asyncio.run(_read(_bus(ctx)))
    now = time.time()
    found = [
        key
        for key in told.all_keys()
        if tenant in {"", key.principal.tenant} and (everything or _state(key, now) == "in force")
    ]
    suspended = [one for one in told.suspended() if tenant in {"", one.tenant}]
    if json:
        echo_json({"keys": [_values(key) for key in found], "suspended": [_standing(one) for one in suspended]})
        return
    console = Console()
    if found:
        console.print(_table(found, now))
    else:
        typer.echo("no keys")
    for one in suspended:
        typer.echo(f"tenant {one.tenant} is suspended since {_moment(one.change_time)} {one.note}".rstrip())


@auth.command()
def revoke(
    ctx: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, as `list` shows it.")],
    *,
    json: Json = False,
) -> None:
    """Revoke a key for good: every service refuses it from now on."""
    key = asyncio.run(_revoke(_bus(ctx), key_id))
    if json:
        echo_json(_values(key))
    else:
        typer.echo(f"key {key.key_id} of {key.principal.user} in tenant {key.principal.tenant} is revoked")


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
    asyncio.run(_say(_bus(ctx), standing))
    if json:
        echo_json(_standing(standing))
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


async def _say(bus: Bus, said: ApiKey | TenantStanding) -> None:
    sender = Sender(bus, [CREDENTIALS])
    try:
        await sender.start()
        await sender.send(outbound(said))
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
    return Principal(tenant, user, tuple(sorted(set(groups))), frozenset(map(Role, roles)))


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


def _state(key: ApiKey, now: float) -> str:
    if key.revoke_time is not None:
        return "revoked"
    return "expired" if key.expire_time is not None and key.expire_time <= now else "in force"


def _table(keys: "list[ApiKey]", now: float) -> Table:
    table = Table("key", "tenant", "user", "roles", "groups", "made", "ends", "", "note", box=None, pad_edge=False)
    for key in keys:
        who = key.principal
        table.add_row(
            key.key_id, who.tenant, who.user, " ".join(sorted(who.roles)), " ".join(who.groups),
            _moment(key.create_time), "never" if key.expire_time is None else _moment(key.expire_time),
            _state(key, now), key.note,
        )  # fmt: skip
    return table


def _values(key: ApiKey) -> dict[str, Any]:
    """A key for machines; of its secret nothing, not even the hash."""
    return {
        "key_id": key.key_id,
        "tenant": key.principal.tenant,
        "user": key.principal.user,
        "groups": list(key.principal.groups),
        "roles": sorted(key.principal.roles),
        "create_time": _moment(key.create_time),
        "expire_time": None if key.expire_time is None else _moment(key.expire_time),
        "state": _state(key, time.time()),
        "note": key.note,
    }


def _standing(one: TenantStanding) -> dict[str, Any]:
    return {
        "tenant": one.tenant,
        "suspended": one.suspended,
        "change_time": _moment(one.change_time),
        "note": one.note,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _bus(ctx: typer.Context) -> Bus:
    """The broker that the environment names, or else the running platform's. Raises Unavailable."""
    call = Invocation.of(ctx)
    if not call.settings.own_broker:
        return broker.bus(call.settings, call.settings.kafka_bootstrap)
    return broker.bus(call.settings, state.require_ready(call.layout.state_file).kafka_bootstrap)
