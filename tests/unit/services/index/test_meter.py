"""What is measured of a change of model, as an exporter sees it."""

from collections.abc import Iterator

import pytest
from headwater_index.adapters.meter import ReindexMetrics
from headwater_kit.core.reindexes import ReindexJudged, ReindexReported, ReindexSide, ReindexStage, ReindexStatus
from headwater_kit.telemetry import instruments, names
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint

SIDE = ReindexSide("c", "l", "m", 8)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """Where this test's measurements go."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    monkeypatch.setattr(instruments, "_meter", lambda: meter)
    instruments.gauge.cache_clear()
    yield reader
    instruments.gauge.cache_clear()


def values(reader: InMemoryMetricReader) -> dict[tuple[str, str], float]:
    """Each value that is not 0, by the instrument's name and the stage."""
    data = reader.get_metrics_data()
    assert data is not None
    found = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.data.data_points:
            assert isinstance(point, NumberDataPoint)
            stage = str((point.attributes or {}).get(names.INDEX_REINDEX_STAGE_NAME, ""))
            if point.value:
                found[metric.name, stage] = float(point.value)
    return found


def test_the_gauges_show_the_last_status_alone(reader: InMemoryMetricReader) -> None:
    metrics = ReindexMetrics()
    metrics.measure(ReindexStatus())
    assert values(reader) == {}
    metrics.measure(ReindexStatus(ReindexReported("1", ReindexStage.EMBEDDING, SIDE, SIDE, done=3, total=7)))
    assert values(reader) == {
        (names.INDEX_REINDEX_STAGE.name, "embedding"): 1.0,
        (names.INDEX_REINDEX_DONE.name, ""): 3.0,
        (names.INDEX_REINDEX_TOTAL.name, ""): 7.0,
    }
    judged = ReindexJudged("1", 1.0, 30, 0.5, 0, 0.0, 0.0, True, "")
    ready = ReindexReported("1", ReindexStage.READY, SIDE, SIDE, done=8, total=8, passed_over=1)
    metrics.measure(ReindexStatus(ready, judged))
    assert values(reader) == {
        (names.INDEX_REINDEX_STAGE.name, "ready"): 1.0,
        (names.INDEX_REINDEX_DONE.name, ""): 8.0,
        (names.INDEX_REINDEX_TOTAL.name, ""): 8.0,
        (names.INDEX_REINDEX_PASSED_OVER.name, ""): 1.0,
        (names.INDEX_REINDEX_AGREEMENT.name, ""): 0.5,
    }
