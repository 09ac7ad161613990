"""`headwater search`: passages, best first."""

import time
from typing import Annotated

import typer
from headwater_client import Found
from headwater_kit.core.rewriting import Variant
from headwater_kit.core.shape import Folding, Recency, Shape

from headwater_cli.commands.connect import TENANT, Groups, Json, Tenant, User, connected
from headwater_cli.commands.explaining import Cascading, Explain, explained_values, show_explained
from headwater_cli.commands.filtering import DocumentFilter
from headwater_cli.commands.freshness import MaxStaleness, MinPosition, Wait, positions
from headwater_cli.commands.listing import found_values, show
from headwater_cli.commands.output import echo_json

Facets = Annotated[
    list[str] | None, typer.Option("--facet", help="Count the values of a metadata field; may be repeated.")
]
Characters = Annotated[
    int, typer.Option(help="Join neighbouring chunks to passages of up to so many characters, 200 to 8000.")
]
Also = Annotated[
    list[str] | None, typer.Option(metavar="TEXT", help="The same in other words, searched too; at most 8 times.")
]
Diversity = Annotated[
    float, typer.Option(help="How much passages are to differ rather than answer best, 0 to 1.", min=0, max=1)
]
ExploitOnly = Annotated[
    bool, typer.Option("--exploit-only", help="The best order known: nothing drawn by chance, nothing compared.")
]


def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUERY", help="What to look for.")],
    *,
    top_k: Annotated[int, typer.Option(help="Passages wanted, at most 100.", min=1, max=100)] = 5,
    filter: DocumentFilter = "",
    fold: Annotated[Folding | None, typer.Option(help="Fold passages that say the same.")] = None,
    characters: Characters = 0,
    per_document: Annotated[int, typer.Option(help="Passages a document may have; 0 means any number.", min=0)] = 0,
    diversity: Diversity = 0.0,
    by_document: Annotated[bool, typer.Option("--by-document", help="Put passages of a document together.")] = False,
    facet: Facets = None,
    recent: Annotated[str, typer.Option(help="Metadata field of the time by which to prefer what is recent.")] = "",
    half_life_days: Annotated[float, typer.Option(help="Age at which half of that preference is lost.")] = 30.0,
    cursor: Annotated[str, typer.Option(help="Go on where the list before ended.")] = "",
    max_staleness: MaxStaleness = None,
    min_position: MinPosition = None,
    wait: Wait = None,
    also: Also = None,
    expand: Annotated[bool, typer.Option(help="Search by key phrases and by the titles found first, too.")] = False,
    cascade: Cascading = None,
    explain: Explain = False,
    exploit_only: ExploitOnly = False,
    tenant: Tenant = TENANT,
    user: User = "",
    group: Groups = None,
    json: Json = False,
) -> None:
    """Find the passages that answer best."""
    shape = Shape(
        folding=fold,
        passage_characters=characters,
        max_per_document=per_document,
        diversity=diversity,
        highlight=True,
        group_by_document=by_document,
        facets=tuple(facet or ()),
        cursor=cursor,
        recency=Recency(recent, half_life_days) if recent else None,
    )
    started = time.monotonic()
    with connected(ctx, tenant, user, group) as client:
        found = client.search(
            " ".join(words),
            top_k=top_k,
            filter=filter or None,
            min_positions=positions(min_position),
            max_staleness_ms=max_staleness,
            wait_ms=wait or 0,
            variants=[Variant(text) for text in also or ()],
            expand=expand,
            shape=shape,
            cascade=cascade,
            explain=explain,
            exploit_only=exploit_only,
        )
    milliseconds = (time.monotonic() - started) * 1000
    _show(found, milliseconds, whole=bool(characters), explain=explain, json=json)


def _show(found: Found, milliseconds: float, *, whole: bool, explain: bool, json: bool) -> None:
    if json:
        explained = explained_values(found) if explain else {}
        echo_json({**found_values(found), **explained, "milliseconds": round(milliseconds, 1)})
        return
    show(found, milliseconds, whole=whole)
    if explain:
        show_explained(found)
