"""What a piece of code measured, as an exporter sees it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricReader, NumberDataPoint

from headwater_kit.telemetry import instruments, names

_CACHED = (instruments.counter, instruments.gauge, instruments.histogram, instruments._reads)


@contextmanager
def exported_to(reader: MetricReader) -> Iterator[None]:
    """Within it, what is measured goes to `reader` and nowhere else."""
    before, meter = instruments._meter, MeterProvider([reader]).get_meter("test")
    instruments._meter = lambda: meter
    _forget()
    try:
        yield
    finally:
        instruments._meter = before
        _forget()


def _forget() -> None:
    for each in _CACHED:
        each.cache_clear()


class Measured:
    """The figures of a test."""

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader

    def points(self, declared: names.Metric) -> list[tuple[Mapping[str, object], float]]:
        """A metric's attributes and values, now; of a histogram its sum."""
        data = self._reader.get_metrics_data()
        scopes = data.resource_metrics[0].scope_metrics if data and data.resource_metrics else ()
        return [
            (dict(point.attributes or {}), point.value if isinstance(point, NumberDataPoint) else point.sum)
            for scope in scopes
            for metric in scope.metrics
            if metric.name == declared.name
            for point in metric.data.data_points
            if isinstance(point, NumberDataPoint) or point.count
        ]

    def by(self, declared: names.Metric, *attributes: str) -> dict[object, float]:
        """A metric's values by the values of one attribute, or of several as a tuple; those of 0 are left out."""
        assert set(attributes) <= set(declared.labels), "not declared"
        found: dict[object, float] = {}
        for of, value in self.points(declared):
            assert set(of) <= set(declared.labels), "not declared"
            key = tuple(of.get(each, "") for each in attributes)
            found[key[0] if len(key) == 1 else key] = value
        return {key: value for key, value in found.items() if value}


@contextmanager
def measuring() -> Iterator[Measured]:
    """Within it, the figures of what runs in this process."""
    reader = InMemoryMetricReader()
    with exported_to(reader):
        yield Measured(reader)
