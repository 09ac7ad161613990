"""Spans of a test, in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from headwater_kit.core import steps
from headwater_kit.settings import ServiceSettings
from headwater_kit.telemetry import instruments
from headwater_kit.telemetry.setup import follow_steps, tracing
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@contextmanager
def recorded(settings: ServiceSettings) -> Iterator[InMemorySpanExporter]:
    """Records spans, as these settings say, in the place of whatever else does."""
    spans = InMemorySpanExporter()
    provider = tracing(settings, Resource.create({"service.name": "headwater-test"}), [SimpleSpanProcessor(spans)])
    before, watcher = trace._TRACER_PROVIDER, steps._Watched.by
    trace._TRACER_PROVIDER = provider
    instruments.tracer.cache_clear()
    follow_steps()
    try:
        yield spans
    finally:
        trace._TRACER_PROVIDER = before
        steps.watch_steps(watcher)
        instruments.tracer.cache_clear()
