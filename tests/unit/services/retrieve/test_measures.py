"""What is measured of freshness, as an exporter sees it."""

from collections.abc import Iterator

import pytest
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.core.documents import DocumentKey, Lane, Position
from headwater_kit.core.events import DocumentIndexed, Outcome, Provenance
from headwater_kit.core.tenants import TenantClasses
from headwater_kit.telemetry import instruments, names
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.events import IndexedRecords
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader

CLASSES = TenantClasses.parse("gold=acme")


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """Where this test's measurements go."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    monkeypatch.setattr(instruments, "_meter", lambda: meter)
    instruments.histogram.cache_clear()
    yield reader
    instruments.histogram.cache_clear()


def points(reader: InMemoryMetricReader) -> dict[tuple[str, str], HistogramDataPoint]:
    """The delays by lane and class."""
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert metric.name == names.RETRIEVE_FRESHNESS.name
    found = {}
    for point in metric.data.data_points:
        assert isinstance(point, HistogramDataPoint)
        assert point.attributes is not None
        found[str(point.attributes[names.LANE]), str(point.attributes[names.TENANT_CLASS])] = point
    return found


def test_delays_are_told_apart_by_lane_and_class_of_tenant(reader: InMemoryMetricReader) -> None:
    clock = ManualClock()
    records = IndexedRecords(Watermark(), RecentChanges(clock), clock, CLASSES, ResultCache(clock, 0, 1.0))
    events = [
        ("acme", Lane.LIVE, Outcome.UPSERTED, 0.2),
        ("acme", Lane.LIVE, Outcome.DELETED, 0.4),
        ("globex", Lane.BACKFILL, Outcome.UPSERTED, 60.0),
        # Neither of these made anything searchable.
        ("globex", Lane.LIVE, Outcome.DEFERRED, 1.0),
        ("acme", Lane.LIVE, Outcome.STALE, 1.0),
    ]
    for offset, (tenant, lane, outcome, age_seconds) in enumerate(events):
        provenance = Provenance(Position(0, offset), clock.now() - age_seconds, outcome, 1, lane=lane)
        key = DocumentKey(tenant, "doc").to_bytes()
        value = encode(DocumentIndexed(provenance, clock.now(), 1))
        records.apply(Record(topics.INDEXED.name, 0, offset, key, value, {}, clock.now()))
    found = points(reader)
    assert {of: point.count for of, point in found.items()} == {("live", "gold"): 2, ("backfill", "default"): 1}
    assert found["live", "gold"].sum == pytest.approx(0.6)
