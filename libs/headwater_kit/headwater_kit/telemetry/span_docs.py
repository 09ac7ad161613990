"""Writes the table of spans into a page.

`python -m headwater_kit.telemetry.span_docs docs/tracing.md`
The table stands between the two marker lines.
"""

import sys
from pathlib import Path

from headwater_kit.core.pages import put_between
from headwater_kit.telemetry import names

BEGIN = "<!-- spans -->"
END = "<!-- /spans -->"


def as_markdown() -> str:
    """Every span as a row: how it is named, its kind, the attributes that it has and may have, meaning."""
    head = "| span | kind | attributes | and, where they apply | meaning |\n|---|---|---|---|---|\n"
    return head + "\n".join(map(_row, names.SPANS))


def _row(span: names.Span) -> str:
    named = " ".join(filter(None, (span.word, *(f"{{{each}}}" for each in span.named_by))))
    must, may = (", ".join(f"`{each}`" for each in listed) for listed in (span.required, span.optional))
    return f"| `{named}` | {span.kind.name.lower()} | {must} | {may} | {span.meaning} |"


def write(page: Path) -> None:
    """Puts the table into the page. Raises ValueError if it has no markers."""
    put_between(page, BEGIN, END, as_markdown())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
