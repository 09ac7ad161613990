"""What is declared is what an endpoint shows."""

from collections.abc import Iterator

import pytest
from headwater_kit.telemetry import instruments, names
from headwater_kit.telemetry.exposition import METRICS, family, label, series
from headwater_kit.testing.measuring import exported_to
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric


@pytest.fixture
def registry() -> Iterator[CollectorRegistry]:
    """Where this test's measurements are shown."""
    registry = CollectorRegistry()
    with exported_to(PrometheusMetricReader(registry=registry, scope_info_enabled=False)):
        yield registry


def shown(registry: CollectorRegistry) -> dict[str, Metric]:
    return {found.name: found for found in registry.collect()}


def record(declared: names.Metric) -> None:
    of = dict.fromkeys(declared.labels, "x")
    if isinstance(declared, names.Counter):
        instruments.counter(declared).add(1, of)
    elif isinstance(declared, names.Histogram):
        instruments.histogram(declared).record(0.5, of)
    else:
        instruments.observed_each(declared, lambda: [(1.0, of)])


@pytest.mark.parametrize("declared", METRICS, ids=lambda each: each.name)
def test_an_endpoint_shows_what_is_declared(registry: CollectorRegistry, declared: names.Metric) -> None:
    record(declared)
    # The client takes `_total` from a counter's name, and puts it back onto its sample.
    is_counter = isinstance(declared, names.Counter)
    found = shown(registry)[family(declared).removesuffix("_total") if is_counter else family(declared)]
    assert {sample.name: set(sample.labels) for sample in found.samples} == series(declared)
    assert found.documentation == declared.meaning


def test_an_attribute_is_shown_under_its_label() -> None:
    assert label(names.BUS_GROUP) == "messaging_consumer_group_name"


def test_what_is_read_is_shown_until_it_is_forgotten(registry: CollectorRegistry) -> None:
    forget = instruments.observed_each(names.BUS_LAG, lambda: [(3.0, {names.BUS_GROUP: "a"})])
    instruments.observed_each(names.BUS_LAG, lambda: [(4.0, {names.BUS_GROUP: "b"})])
    group = label(names.BUS_GROUP)
    assert {s.labels[group]: s.value for s in shown(registry)["headwater_bus_lag"].samples} == {"a": 3.0, "b": 4.0}
    forget()
    forget()
    assert {s.labels[group]: s.value for s in shown(registry)["headwater_bus_lag"].samples} == {"b": 4.0}
