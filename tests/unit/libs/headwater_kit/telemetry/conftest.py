"""Spans of a test, in memory."""

from collections.abc import Callable, Iterator

import pytest
from headwater_kit.settings import ServiceSettings
from headwater_kit.telemetry import instruments
from headwater_kit.telemetry.setup import tracing
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

Record = Callable[[ServiceSettings], InMemorySpanExporter]


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Iterator[Record]:
    """Begins to record, as these settings say."""

    def begin(settings: ServiceSettings) -> InMemorySpanExporter:
        spans = InMemorySpanExporter()
        provider = tracing(settings, Resource.create({"service.name": "headwater-test"}), [SimpleSpanProcessor(spans)])
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
        instruments.tracer.cache_clear()
        return spans

    yield begin
    instruments.tracer.cache_clear()


@pytest.fixture
def spans(record: Record) -> InMemorySpanExporter:
    """All spans."""
    return record(ServiceSettings())
