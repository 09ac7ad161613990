"""Traces, metrics and logs of one process."""

import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from wsgiref.simple_server import WSGIServer

from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Sampler

from headwater_kit.core.steps import watch_steps
from headwater_kit.settings import ServiceSettings
from headwater_kit.telemetry import logs, names
from headwater_kit.telemetry.endpoint import serve_metrics
from headwater_kit.telemetry.sampling import NOTHING_RECORDED, ErrorsToo, RatioSampler
from headwater_kit.telemetry.span_files import SpanFiles
from headwater_kit.telemetry.spans import MAX_LINKS, span

# An exporter tries a dead endpoint for many seconds; the process does not wait that long to end.
CLOSE_SECONDS = 1.0
# Spans that wait to be exported, about 2 KiB each; with more the oldest go, and nobody waits.
QUEUED_SPANS = 4_096
EXPORT_MS = 1_000
# What one span may grow to.
LIMITS = SpanLimits(max_attributes=32, max_attribute_length=256, max_events=32, max_links=MAX_LINKS)
MIB = 1024 * 1024
# Below the data folder.
SPANS = "spans"


class Telemetry:
    """What `setup` started; `close` sends what is left and stops it."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider, endpoint: WSGIServer | None) -> None:
        self._tracers = tracers
        self._meters = meters
        self._endpoint = endpoint

    def close(self) -> None:
        """Waits at most a second for the exporters; what they could not send by then is lost."""
        parts = (self._tracers.shutdown, self._meters.shutdown)
        threads = [threading.Thread(target=part, daemon=True) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(CLOSE_SECONDS / len(threads))
        if self._endpoint is not None:
            self._endpoint.shutdown()
            self._endpoint.server_close()


def setup(settings: ServiceSettings, service: str) -> Telemetry:
    """Starts logs, traces and metrics for this process; once a process.

    Raises Misconfigured where the metrics cannot be served.
    """
    logs.configure(service, settings.log_level, settings.log_format, sys.stderr)
    resource = Resource.create({"service.name": f"headwater-{service}", "service.version": version("headwater-kit")})
    readers: list[MetricReader] = []
    if settings.metrics_port:
        # Whose code measures is no news: all of it is this project's.
        readers.append(PrometheusMetricReader(scope_info_enabled=False))
    exporters: list[SpanExporter] = []
    if settings.trace_file_mb:
        exporters.append(SpanFiles(settings.data_dir / SPANS, settings.trace_file_mb * MIB))
    if settings.otlp_endpoint:
        from headwater_kit.telemetry import otlp  # noqa: PLC0415 - slow to import, seldom used

        exporters.append(otlp.span_exporter(settings.otlp_endpoint))
        readers.append(otlp.metric_reader(settings.otlp_endpoint))
    tracers = tracing(settings, resource, [_queued(exporter) for exporter in exporters])
    meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    trace.set_tracer_provider(tracers)
    follow_steps()
    metrics.set_meter_provider(meters)
    return Telemetry(tracers, meters, serve_metrics(settings) if settings.metrics_port else None)


def tracing(settings: ServiceSettings, resource: Resource, processors: Sequence[SpanProcessor]) -> TracerProvider:
    """Traces that are sampled as the settings say and go through these processors; without any, nothing is recorded."""
    sampler: Sampler = NOTHING_RECORDED
    if processors:
        sampler = RatioSampler(settings.trace_ratio, errors=settings.trace_errors)
    tracers = TracerProvider(sampler, resource=resource, shutdown_on_exit=False, span_limits=LIMITS)
    for processor in processors:
        tracers.add_span_processor(ErrorsToo(processor) if settings.trace_errors else processor)
    return tracers


def follow_steps() -> None:
    """From now on each step (`core.steps`) has a span."""
    watch_steps(lambda name: span(names.STAGE, {names.STEP: name}))


def _queued(exporter: SpanExporter) -> SpanProcessor:
    """Exports in batches, in a thread of its own; where the exporter does not keep up, the oldest spans are dropped."""
    return BatchSpanProcessor(exporter, max_queue_size=QUEUED_SPANS, schedule_delay_millis=EXPORT_MS)
