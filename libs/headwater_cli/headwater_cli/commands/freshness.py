"""The options by which a question says how fresh its answer must be."""

import re
from typing import Annotated

import typer
from headwater_kit.core.documents import Position

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


def milliseconds(text: str) -> int:
    """A time such as 500ms, 2s, 1.5m or 1h, in milliseconds; a bare 0 is 0."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text) or re.fullmatch(r"(0)()", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time: give a number with ms, s, m or h, such as 500ms or 2s")
    return round(float(found[1]) * _UNITS_MS.get(found[2], 0))


def position(text: str) -> Position:
    """A place in documents.v1, partition:offset, such as 3:1402."""
    found = re.fullmatch(r"(\d+)[:@](\d+)", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no position: give partition:offset, such as 3:1402")
    return Position(int(found[1]), int(found[2]))


MaxStaleness = Annotated[
    int | None,
    typer.Option(
        parser=milliseconds,
        metavar="TIME",
        help="Fail unless all live writes older than this are searchable, such as 2s or 500ms; 0 means all there are.",
    ),
]
MinPosition = Annotated[
    list[Position] | None,
    typer.Option(
        parser=position,
        metavar="PARTITION:OFFSET",
        help="Fail unless this write is searchable; may be given once a partition.",
    ),
]
Wait = Annotated[
    int | None,
    typer.Option(parser=milliseconds, metavar="TIME", help="How long to wait to be that fresh; by default 2s."),
]
