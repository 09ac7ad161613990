"""`headwater audit`: who did what to whose data, and whether the record of it is whole."""

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer
from headwater_kit.bus.audit import Verification
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.scan import scan
from headwater_kit.bus.topics import AUDIT
from headwater_kit.core.audit import AuditRecorded, CallServed
from headwater_kit.core.events import GuardDecided

from headwater_cli.commands.audit_display import note_values, show_notes, show_verified, verified_values
from headwater_cli.commands.audit_heads import read_heads, write_heads
from headwater_cli.commands.connect import Json, reached_bus
from headwater_cli.commands.freshness import milliseconds
from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation

FAULTY = 1

audit = typer.Typer(
    help="Show who did what to whose data (audit.v1), and verify that nothing of it was changed.",
    no_args_is_help=True,
    name="audit",
)


@audit.command()
def verify(
    ctx: typer.Context,
    *,
    heads: Annotated[
        Path | None,
        typer.Option(
            help="File that keeps how far each chain went: what is shorter than at the last look, or another, is a "
            "fault; without faults it is brought up to date. Keep it where nobody writes who may write to the topic."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check every chain: links altered, taken out, put in or moved.

    Takes the key of the chains from HEADWATER_AUDIT_KEY. Exits with 1 where there
    is a fault.
    """
    key = Invocation.of(ctx).settings.audit_key.get_secret_value().encode()
    verification = Verification(key, read_heads(heads, time.time()) if heads else {})
    asyncio.run(_verify(reached_bus(ctx), verification))
    findings = verification.findings()
    if heads and not findings:
        write_heads(heads, verification)
    if json:
        echo_json(verified_values(verification, findings))
    else:
        show_verified(verification, findings)
    if findings:
        raise typer.Exit(FAULTY)


@audit.command()
def show(
    ctx: typer.Context,
    *,
    # Not from the environment, and empty: an auditor looks at all of them.
    tenant: Annotated[str, typer.Option(help="Only what was done to this tenant's data.")] = "",
    user: Annotated[str, typer.Option(help="Only what this user did.")] = "",
    subject: Annotated[str, typer.Option(help="Only what is about this document, answer or list.")] = "",
    method: Annotated[str, typer.Option(help="Only calls of this method, such as Search.")] = "",
    since: Annotated[int | None, typer.Option(parser=milliseconds, metavar="TIME", help="Only of the last 1h.")] = None,
    limit: Annotated[int, typer.Option(help="Show at most this many, the latest.", min=1)] = 100,
    json: Json = False,
) -> None:
    """List what was noted, the latest last. It is shown as it stands: `verify` says whether that is how it was written.

    After an outage of the broker a call may be noted twice, in two chains.
    """
    after = 0.0 if since is None else time.time() - since / 1_000

    def fits(link: AuditRecorded) -> bool:
        told = note_values(link)
        return (
            isinstance(link.entry, CallServed | GuardDecided)
            and link.time >= after
            and (not tenant or told["tenant"] in (tenant, ""))
            and (not user or told["user"] == user)
            and (not subject or told["subject"] == subject)
            and (not method or told["method"].rpartition("/")[2] == method)
        )

    notes = asyncio.run(_latest(reached_bus(ctx), fits, limit))
    if json:
        echo_json({"notes": [note_values(link) for link in notes]})
    else:
        show_notes(notes)


async def _verify(bus: Bus, verification: Verification) -> None:
    async with aclosing(_links(bus, verification)) as links:
        async for _ in links:
            pass


async def _latest(bus: Bus, fits: Any, limit: int) -> Sequence[AuditRecorded]:
    # The number decides between links of one moment: links themselves have no order.
    latest: list[tuple[float, int, AuditRecorded]] = []
    count = itertools.count()
    async with aclosing(_links(bus, Verification())) as links:
        async for link in links:
            if fits(link):
                heapq.heappush(latest, (link.time, next(count), link))
                if len(latest) > limit:
                    heapq.heappop(latest)
    return [link for _, _, link in sorted(latest)]


async def _links(bus: Bus, verification: Verification) -> AsyncGenerator[AuditRecorded, None]:
    await bus.create_topics([AUDIT.name])
    async with aclosing(scan(bus, AUDIT.name)) as batches:
        async for records in batches:
            for record in records:
                if (link := verification.take(record)) is not None:
                    yield link
