"""Queries in which metrics and labels go by their declarations.

`$BUS_DONE` stands for the series of `names.BUS_DONE`, `$BUS_GROUP` for the label
of that attribute; of a histogram, `$BUS_DELAY_bucket` for its buckets. What is
not declared cannot be asked for.
"""

import re

from headwater_kit.telemetry import names
from headwater_kit.telemetry.exposition import family, label

# What every scrape of a service adds to what the service tells: see `scraping`.
SCRAPED = ("job", "instance", "service")
_DECLARED = re.compile(r"\$([A-Z]+(?:_[A-Z]+)*)")


def promql(text: str) -> str:
    """The query as Prometheus takes it. Raises ValueError for a name that is not declared."""
    return _DECLARED.sub(lambda found: _name(found[1]), " ".join(text.split()))


def _name(constant: str) -> str:
    declared = getattr(names, constant, None)
    if isinstance(declared, names.Metric):
        return family(declared)
    if isinstance(declared, str):
        return label(declared)
    raise ValueError(f"${constant} is no metric and no attribute: see headwater_kit.telemetry.names")
