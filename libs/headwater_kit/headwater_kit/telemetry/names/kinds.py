"""What a metric may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that only grows. `unit` is UCUM; "1" counts things. `labels` are all the attributes it may come with."""

    name: str
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that goes up and down."""

    name: str
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution; `bounds` are the upper bounds of its buckets, in its unit."""

    name: str
    unit: str
    meaning: str
    bounds: tuple[float, ...]
    labels: tuple[str, ...] = ()


Metric = Counter | Gauge | Histogram
