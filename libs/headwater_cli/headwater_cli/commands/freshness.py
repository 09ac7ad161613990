"""The options by which a question says how fresh its answer must be."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer
from headwater_kit.bus.topics import PARTITIONS
from headwater_kit.core.documents import Position

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
# Of the 32 bits that a wait has in a request.
_MAX_MS = 2**31 - 1
# A broker's offsets are signed and of 64 bits.
_MAX_OFFSET = 2**63 - 1


def milliseconds(text: str) -> int:
    """A time such as 500ms, 2s, 1.5m or 1h, in milliseconds; a bare 0 is 0."""
    found = re.fullmatch(r"(\d{1,20}(?:\.\d{1,20})?)(ms|s|m|h)", text) or re.fullmatch(r"(0)()", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time: give a number with ms, s, m or h, such as 500ms or 2s")
    value = round(float(found[1]) * _UNITS_MS.get(found[2], 0))
    if value > _MAX_MS:
        raise typer.BadParameter(f"{text} is too long: at most {_MAX_MS} ms are taken, some 24 days")
    return value


def position(text: str) -> Position:
    """A place in documents.v1, partition:offset, such as 3:1402."""
    found = re.fullmatch(r"(\d{1,20})[:@](\d{1,20})", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no position: give partition:offset, such as 3:1402")
    partition, offset = int(found[1]), int(found[2])
    if partition >= PARTITIONS or offset > _MAX_OFFSET:
        raise typer.BadParameter(
            f"there is no position {text}: partitions are 0 to {PARTITIONS - 1}, offsets at most {_MAX_OFFSET}"
        )
    return Position(partition, offset)


def positions(given: Sequence[Position] | None) -> tuple[Position, ...]:
    """The places that were given. A partition given twice is wrong usage."""
    found = tuple(given or ())
    twice = [partition for partition, count in Counter(one.partition for one in found).items() if count > 1]
    if twice:
        raise typer.BadParameter(
            f"partition {twice[0]} is given twice: give its later position only", param_hint="--min-position"
        )
    return found


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
