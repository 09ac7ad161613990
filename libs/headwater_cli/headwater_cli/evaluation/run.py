"""What one run over a set measured, and the file that keeps it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from headwater_kit.core.errors import InvalidInput
from pydantic import TypeAdapter, ValidationError

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True, slots=True)
class Row:
    """One query: its measures by name, where the first document stands that answers it, and what was found.

    `first_relevant` is a rank from 1, None where none was found.
    """

    query_id: str
    text: str
    measures: Mapping[str, float]
    first_relevant: int | None
    relevant: int
    documents: tuple[str, ...]
    milliseconds: float
    missing_legs: tuple[str, ...] = ()
    retries: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A set asked once, under one configuration; `judgements` is equal for runs that can be compared.

    `started` is in ISO 8601, UTC. `documents` counts what indexing did, empty
    where nothing was indexed.
    """

    name: str
    set_name: str
    split: str
    judgements: str
    tenant: str
    started: str
    version: str
    options: Mapping[str, Any]
    concurrency: int
    documents: Mapping[str, int]
    rows: tuple[Row, ...]
    format: Literal["headwater-eval-1"] = "headwater-eval-1"

    @property
    def measures(self) -> tuple[str, ...]:
        """Names, the one that queries are sorted by first."""
        return tuple(self.rows[0].measures)

    def mean(self, measure: str) -> float:
        """Over all queries; one without an answer counts 0."""
        return fmean(row.measures[measure] for row in self.rows)

    def worst(self) -> list[Row]:
        """The rows, worst by the first measure first; among equals, the one whose answer stands further down."""
        first = self.measures[0]
        return sorted(self.rows, key=lambda row: (row.measures[first], -(row.first_relevant or 10**9)))

    def summary(self) -> dict[str, Any]:
        """The run in figures, for machines."""
        legs = Counter(leg for row in self.rows for leg in row.missing_legs)
        return {
            "name": self.name,
            "set": self.set_name,
            "split": self.split,
            "tenant": self.tenant,
            "started": self.started,
            "version": self.version,
            "options": dict(self.options),
            "queries": len(self.rows),
            "documents": dict(self.documents),
            "measures": {name: round(self.mean(name), 4) for name in self.measures},
            "latency_ms": {"concurrency": self.concurrency, **latencies(self.rows)},
            "missing_legs": dict(legs),
            "retries": sum(row.retries for row in self.rows),
            "failed": sum(bool(row.error) for row in self.rows),
        }


_FILE = TypeAdapter(Run)


def latencies(rows: Sequence[Row]) -> dict[str, float]:
    """Mean and quantiles (nearest rank) of the milliseconds of the queries that were answered."""
    found = sorted(row.milliseconds for row in rows if not row.error)
    if not found:
        return {}
    places = {name: max(0, ceil(share * len(found)) - 1) for name, share in QUANTILES.items()}
    return {"mean": round(fmean(found), 1), **{name: round(found[place], 1) for name, place in places.items()}}


def save(run: Run, path: Path) -> None:
    """Writes the whole run, rows and rankings included, as JSON. Raises OSError."""
    path.write_bytes(_FILE.dump_json(run, indent=1))


def read(path: Path) -> Run:
    """A run as saved. Raises InvalidInput for a file that is none, OSError for one that cannot be read."""
    try:
        run = _FILE.validate_json(path.read_bytes())
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"])) or "the file"
        raise InvalidInput(f"{path} is no saved run: {where}: {found['msg']}: make one with --save") from None
    if not run.rows or any(row.measures.keys() != run.rows[0].measures.keys() for row in run.rows):
        raise InvalidInput(f"{path} is no saved run: its queries have no measures in common: make one with --save")
    return run
