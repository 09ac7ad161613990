"""A dashboard in plain words."""

from dataclasses import dataclass
from enum import StrEnum

from headwater_observability.promql import promql

# Grafana's own word for an interval that holds several scrapes.
INTERVAL = "$__rate_interval"


class Kind(StrEnum):
    """How a panel draws."""

    CURVES = "curves"
    NUMBER = "number"
    HEAT = "heat"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """A query, by declarations as in `promql`, and what its series are called, as in `{{service}}`."""

    expr: str
    legend: str = ""

    @property
    def promql(self) -> str:
        """As Prometheus takes it."""
        return promql(self.expr)

    @property
    def name(self) -> str:
        """The legend as Grafana takes it."""
        return promql(self.legend)


@dataclass(frozen=True, slots=True)
class Panel:
    """What one panel shows. `unit` is Grafana's; `width` of 24; past `bad` a value is red."""

    title: str
    queries: tuple[Query, ...]
    meaning: str
    unit: str = "short"
    kind: Kind = Kind.CURVES
    width: int = 8
    bad: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard; `uid` is its name in addresses and of its file."""

    uid: str
    title: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels."""
        return tuple(panel for row in self.rows for panel in row.panels)
