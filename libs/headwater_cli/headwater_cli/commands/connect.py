"""Reaching the platform: the one in the data folder, or else the one that the environment names."""

import getpass
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from headwater_client import Client, ClientSettings
from headwater_kit.bus.ports import Bus
from headwater_kit.core.documents import ANONYMOUS, DEFAULT_TENANT, Principal
from headwater_kit.core.errors import InvalidInput
from headwater_kit.settings import load
from pydantic import SecretStr

from headwater_cli.invocation import Invocation
from headwater_cli.platform import broker, state
from headwater_cli.platform.state import PlatformState

Tenant = Annotated[str, typer.Option(help="Tenant to act in.", envvar="HEADWATER_TENANT")]
User = Annotated[str, typer.Option(help="User to act as; empty means the one logged in.", envvar="HEADWATER_USER")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="Group to read as a member of; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TENANT = DEFAULT_TENANT
NOBODY = {"api_key": SecretStr(""), "token": SecretStr(""), "token_file": None}

_TARGETS = ("ingest", "index", "retrieve", "generate", "feedback")


@contextmanager
def connected(
    ctx: typer.Context, tenant: str, user: str, groups: Iterable[str] | None = None, *, is_subject: bool = False
) -> Iterator[Client]:
    """A client of the platform, acting as this principal, or as the credential says. Raises Unavailable without one.

    Raises InvalidInput where both are given: what was asked for one tenant must not be done in another. With
    `is_subject` the tenant is what is looked at, too, and an operator's credential may be of another.
    """
    settings = client_settings(Invocation.of(ctx))
    if settings.has_credential and ((tenant != TENANT and not is_subject) or user or groups):
        raise InvalidInput(
            "the credential in HEADWATER_API_KEY or HEADWATER_TOKEN says who acts: leave tenant, user and groups out"
        )
    principal = Principal(tenant, user or _logged_in(), tuple(sorted(set(groups or ()))))
    with Client(settings, principal) as client:
        yield client


def reached_bus(ctx: typer.Context) -> Bus:
    """The broker that the environment names, or else the running platform's. Raises Unavailable."""
    call = Invocation.of(ctx)
    if not call.settings.own_broker:
        return broker.bus(call.settings, call.settings.kafka_bootstrap)
    return broker.bus(call.settings, state.require_ready(call.layout.state_file).kafka_bootstrap)


def client_settings(call: Invocation) -> ClientSettings:
    """Where the services are. Raises Unavailable, saying how to start them."""
    from_environment = load(ClientSettings)
    if {f"{name}_target" for name in _TARGETS} <= from_environment.model_fields_set:
        return from_environment
    return laptop_settings(state.require_ready(call.layout.state_file))


def laptop_settings(platform: PlatformState) -> ClientSettings:
    """Where the services of a laptop platform are, which talk without TLS whatever the environment says of others.

    A credential of the environment's is for them only where they ask for one.
    """
    processes = {name: platform.process(name) for name in _TARGETS}
    targets = {f"{name}_target": process.address for name, process in processes.items() if process is not None}
    others = {"tls_peer_ca": None} | (NOBODY if platform.trusts else {})
    return load(ClientSettings).model_copy(update={**targets, **others})


def _logged_in() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under an id without a name
        return ANONYMOUS
