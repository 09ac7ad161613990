"""Writes the table of metrics into a page.

`python -m headwater_kit.telemetry.docs docs/observing.md`
The table stands between the two marker lines.
"""

import sys
from pathlib import Path

from headwater_kit.core.pages import put_between
from headwater_kit.telemetry import names
from headwater_kit.telemetry.exposition import METRICS, family, label

BEGIN = "<!-- metrics -->"
END = "<!-- /metrics -->"
_KINDS = {names.Counter: "counter", names.Gauge: "gauge", names.Histogram: "histogram"}


def as_markdown() -> str:
    """Every metric as a row: its name at a Prometheus endpoint, kind, labels, meaning."""
    head = "| metric | kind | labels | meaning |\n|---|---|---|---|\n"
    return head + "\n".join(map(_row, sorted(METRICS, key=family)))


def _row(declared: names.Metric) -> str:
    labels = ", ".join(f"`{label(each)}`" for each in declared.labels)
    return f"| `{family(declared)}` | {_KINDS[type(declared)]} | {labels} | {declared.meaning} |"


def write(page: Path) -> None:
    """Puts the table into the page. Raises ValueError if it has no markers."""
    put_between(page, BEGIN, END, as_markdown())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
