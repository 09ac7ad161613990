"""What is named in one place is named well."""

import re

import pytest
from headwater_kit.telemetry import names

METRICS = [value for value in vars(names).values() if isinstance(value, names.Counter | names.Gauge | names.Histogram)]


def test_no_two_metrics_share_a_name() -> None:
    found = [metric.name for metric in METRICS]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_name_unit_and_meaning(metric: names.Counter | names.Gauge | names.Histogram) -> None:
    assert re.fullmatch(r"headwater(\.[a-z_]+)+", metric.name)
    assert metric.unit
    assert metric.meaning


@pytest.mark.parametrize("metric", [m for m in METRICS if isinstance(m, names.Histogram)], ids=lambda m: m.name)
def test_a_histograms_bounds_grow(metric: names.Histogram) -> None:
    assert list(metric.bounds) == sorted(set(metric.bounds))
