"""`headwater trace`: where an answer comes from."""

import asyncio
import time
from functools import partial
from typing import Annotated

import typer
from headwater_kit.bus.ports import Bus
from rich.console import Console

from headwater_cli.commands.connect import TENANT, Json, Tenant, reached_bus
from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation
from headwater_cli.lineage.drawing import drawn, show
from headwater_cli.lineage.facts import Lineage
from headwater_cli.lineage.reading import lineage
from headwater_cli.lineage.spans import StoredSpan, trees
from headwater_cli.lineage.stores import Find, from_api, in_folders
from headwater_cli.lineage.values import lineage_values

# Spans are written about once a second; who traces what was answered just now waits for them so long.
SETTLE_SECONDS = 3.0
LOOK_SECONDS = 0.25


def trace(
    ctx: typer.Context,
    answer_id: Annotated[str, typer.Argument(metavar="ANSWER_ID", help="As `headwater ask` prints it.")],
    *,
    tenant: Tenant = TENANT,
    json: Json = False,
) -> None:
    """Show an answer as a tree: what was done for it, and the documents and the feedback that it comes from.

    What is in the topics is always told; the times of each step come from spans,
    where those are still kept.
    """
    call = Invocation.of(ctx)
    api = call.settings.trace_api
    find = partial(from_api, api) if api else partial(in_folders, call.layout.root)
    found, spans = asyncio.run(_read(reached_bus(ctx), find, tenant, answer_id))
    if json:
        echo_json(lineage_values(found, spans))
        return
    console = Console()
    show(console, drawn(found, trees(spans)))
    if not spans:
        where = "the trace store has none" if api else "none are kept: HEADWATER_TRACE_FILE_MB"
        console.print(f"no spans of it: {where}", style="dim", highlight=False)


async def _read(bus: Bus, find: Find, tenant: str, answer_id: str) -> tuple[Lineage, list[StoredSpan]]:
    found = await lineage(bus, tenant, answer_id)
    until = found.answer.answer_time + SETTLE_SECONDS
    spans = list(find(found.traces))
    while not _is_whole(found, spans) and time.time() < until:
        await asyncio.sleep(LOOK_SECONDS)
        spans = list(find(found.traces))
    return found, spans


def _is_whole(found: Lineage, spans: list[StoredSpan]) -> bool:
    """Whether no span of the question's trace misses its parent, but for the one that a caller began."""
    mine = [span for span in spans if span.trace_id == found.place.trace_id]
    known = {span.span_id for span in mine}
    return bool(mine) and sum(span.parent_id not in known for span in mine) <= 1
