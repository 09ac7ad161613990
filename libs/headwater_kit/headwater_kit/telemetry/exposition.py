"""What metrics and labels are called at a Prometheus endpoint.

As the exporter of OpenTelemetry names them: words joined by `_`, the unit at the
end, `_total` on what only grows. Queries, rules and panels take their names from
here, so that they name what there is.
"""

import re
from collections.abc import Mapping

from headwater_kit.telemetry import names

METRICS: tuple[names.Metric, ...] = tuple(each for each in vars(names).values() if isinstance(each, names.Metric))

_UNITS = {"s": "_seconds", "1": ""}
_NO_WORD = re.compile(r"[^a-zA-Z0-9]+")


def label(attribute: str) -> str:
    """The label that an attribute becomes."""
    return _NO_WORD.sub("_", attribute)


def family(declared: names.Metric) -> str:
    """The name that a metric's description stands under, and the series of all but histograms."""
    unit = "" if declared.unit.startswith("{") else _UNITS[declared.unit]
    total = "_total" if isinstance(declared, names.Counter) else ""
    return f"{label(declared.name)}{unit}{total}"


def series(declared: names.Metric) -> Mapping[str, frozenset[str]]:
    """All series names of a metric, with the labels that each has of its own; a scrape adds `job` and `instance`."""
    labels = frozenset(map(label, declared.labels))
    name = family(declared)
    if isinstance(declared, names.Histogram):
        return {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
    return {name: labels}
