"""A result list, for people and for machines."""

import re
from collections.abc import Sequence
from typing import Any

from headwater_client import Found
from headwater_kit.core.documents import Passage
from headwater_kit.core.presentation import Span
from headwater_kit.core.shape import Facet
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from headwater_cli.commands.output import passage_values, rating_prompt, source_of

SHOWN_CHARACTERS = 240


def found_values(found: Found) -> dict[str, Any]:
    """A list for machines; highlights and the hit count characters of the passage's text."""
    return {
        "impression_id": found.impression_id,
        "passages": [{**passage_values(passage), **_presented(passage)} for passage in found.passages],
        "missing_legs": list(found.missing_legs),
        "searched": list(found.searched),
        "left_out": list(found.left_out),
        "candidates": found.candidates,
        "facets": {
            facet.field: {
                "counts": [{"value": each.value, "documents": each.documents} for each in facet.counts],
                "others": facet.others,
                "missing": facet.missing,
            }
            for facet in found.facets
        },
        "groups": [
            {"document_id": each.document_id, "first_rank": each.first_rank, "shown": each.shown, "found": each.found}
            for each in found.groups
        ],
        "list_changed": found.list_changed,
        "next_cursor": found.next_cursor,
        "rating_wanted": found.rating_wanted,
    }


def show(found: Found, milliseconds: float, *, whole: bool) -> None:
    """Prints a list: of each passage how it begins, or the whole."""
    console = Console()
    if found.list_changed:
        console.print("[yellow]the index has changed since the list before: this goes on with what it is now[/yellow]")
    for passage in found.passages:
        heading = Text(f"{passage.rank:>2}  ", style="bold cyan").append(source_of(passage), style="bold")
        console.print(heading.append(f"  {passage.score:.2f}", style="dim"))
        text = highlighted(passage.chunk.text, passage.presentation.highlights)
        if not whole and len(text) > SHOWN_CHARACTERS:
            text = text[:SHOWN_CHARACTERS].append("…")
        console.print(Padding(text, (0, 0, 0, 4)))
        console.print(Text(f"    {passage.document_id}{_remarks(passage)}", style="dim"), soft_wrap=True)
    if not found.passages:
        console.print("nothing found: ingest documents with `headwater ingest`, or try other words")
    for facet in found.facets:
        console.print(_counts(facet), soft_wrap=True)
    if found.missing_legs:
        console.print(f"[yellow]without the {', '.join(found.missing_legs)} leg: see `headwater status`[/yellow]")
    if found.left_out:
        console.print(Text(f"not searched in time: {'; '.join(found.left_out)}", style="yellow"))
    if found.rating_wanted:
        name = f"passage {found.rating_wanted}"
        console.print(rating_prompt(name, found.impression_id, found.rating_wanted), soft_wrap=True)
    rank = found.passages[0].rank if found.passages else 0
    hint = f" · headwater feedback {found.impression_id} --up --passage {rank}" if found.passages else ""
    more = f" · more: --cursor {found.next_cursor}" if found.next_cursor else ""
    console.print(Text(f"{milliseconds:.0f} ms{hint}{more}", style="dim"), soft_wrap=True)


def highlighted(text: str, spans: Sequence[Span]) -> Text:
    """A text on one line, each run of white space one blank, the spans in bold."""
    shown = Text(_on_one_line(text).rstrip())
    for span in spans:
        # A span begins and ends with a letter, so that what stands before either is the same on one line.
        shown.stylize("bold yellow", len(_on_one_line(text[: span.start])), len(_on_one_line(text[: span.end])))
    return shown


def _on_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text.lstrip())


def _presented(passage: Passage) -> dict[str, Any]:
    told = passage.presentation
    return {
        "highlights": [[span.start, span.end] for span in told.highlights],
        "duplicates": told.duplicates,
        "duplicate_document_ids": list(told.duplicate_ids),
        "hit": None if told.hit is None else [told.hit.start, told.hit.end],
        "chunk_ids": list(told.chunk_ids),
        "recency": told.recency,
        "held_back": told.held_back,
    }


def _remarks(passage: Passage) -> str:
    told = passage.presentation
    duplicates = f" · said {told.duplicates} times more" if told.duplicates else ""
    return duplicates + (f" · {told.held_back} more in it" if told.held_back else "")


def _counts(facet: Facet) -> Text:
    counts = [f"{each.value} {each.documents}" for each in facet.counts]
    rest = [f"others {facet.others}"] * bool(facet.others) + [f"without {facet.missing}"] * bool(facet.missing)
    return Text(f"{facet.field}: ", style="bold").append(" · ".join((*counts, *rest)) or "no values", style="not bold")
