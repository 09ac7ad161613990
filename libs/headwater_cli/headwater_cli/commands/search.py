"""`headwater search`: passages, best first."""

import time
from typing import Annotated

import typer
from headwater_client import Found
from headwater_kit.core.rewriting import Variant
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from headwater_cli.commands.connect import TENANT, Groups, Json, Tenant, User, connected
from headwater_cli.commands.freshness import MaxStaleness, MinPosition, Wait, positions
from headwater_cli.commands.output import echo_json, passage_values, source_of

SHOWN_CHARACTERS = 240


def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUERY", help="What to look for.")],
    *,
    top_k: Annotated[int, typer.Option(help="Passages wanted, at most 100.", min=1, max=100)] = 5,
    max_staleness: MaxStaleness = None,
    min_position: MinPosition = None,
    wait: Wait = None,
    also: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="The same in other words, searched too; at most 8 times.")
    ] = None,
    expand: Annotated[bool, typer.Option(help="Search by key phrases and by the titles found first, too.")] = False,
    tenant: Tenant = TENANT,
    user: User = "",
    group: Groups = None,
    json: Json = False,
) -> None:
    """Find the passages that answer best."""
    started = time.monotonic()
    with connected(ctx, tenant, user, group) as client:
        found = client.search(
            " ".join(words),
            top_k=top_k,
            min_positions=positions(min_position),
            max_staleness_ms=max_staleness,
            wait_ms=wait or 0,
            variants=[Variant(text) for text in also or ()],
            expand=expand,
        )
    milliseconds = (time.monotonic() - started) * 1000
    if json:
        passages = [passage_values(passage) for passage in found.passages]
        echo_json(
            {
                "impression_id": found.impression_id,
                "passages": passages,
                "missing_legs": list(found.missing_legs),
                "searched": list(found.searched),
                "left_out": list(found.left_out),
                "milliseconds": round(milliseconds, 1),
            }
        )
    else:
        _show(found, milliseconds)


def _show(found: Found, milliseconds: float) -> None:
    console = Console()
    for passage in found.passages:
        heading = Text(f"{passage.rank:>2}  ", style="bold cyan").append(source_of(passage), style="bold")
        console.print(heading.append(f"  {passage.score:.2f}", style="dim"))
        text = " ".join(passage.chunk.text.split())
        shown = text[:SHOWN_CHARACTERS] + ("…" if len(text) > SHOWN_CHARACTERS else "")
        console.print(Padding(Text(shown), (0, 0, 0, 4)))
        console.print(Text(f"    {passage.document_id}", style="dim"), soft_wrap=True)
    if not found.passages:
        console.print("nothing found: ingest documents with `headwater ingest`, or try other words")
    if found.missing_legs:
        console.print(f"[yellow]without the {', '.join(found.missing_legs)} leg: see `headwater status`[/yellow]")
    if found.left_out:
        console.print(Text(f"not searched in time: {'; '.join(found.left_out)}", style="yellow"))
    hint = f" · headwater feedback {found.impression_id} --up --passage 1" if found.passages else ""
    console.print(Text(f"{milliseconds:.0f} ms{hint}", style="dim"), soft_wrap=True)
