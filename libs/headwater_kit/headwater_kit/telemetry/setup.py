"""Traces, metrics and logs of one process."""

import sys
import threading
from wsgiref.simple_server import WSGIServer

from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler

from headwater_kit.settings import ServiceSettings
from headwater_kit.telemetry import logs
from headwater_kit.telemetry.endpoint import serve_metrics

# An exporter tries a dead endpoint for many seconds; the process does not wait that long to end.
CLOSE_SECONDS = 1.0


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
    resource = Resource.create({"service.name": f"headwater-{service}"})
    tracers = TracerProvider(_sampler(settings), resource=resource, shutdown_on_exit=False)
    readers: list[MetricReader] = []
    if settings.metrics_port:
        readers.append(PrometheusMetricReader())
    if settings.otlp_endpoint:
        from headwater_kit.telemetry import otlp  # noqa: PLC0415 - slow to import, seldom used

        tracers.add_span_processor(otlp.span_processor(settings.otlp_endpoint))
        readers.append(otlp.metric_reader(settings.otlp_endpoint))
    meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    return Telemetry(tracers, meters, serve_metrics(settings) if settings.metrics_port else None)


def _sampler(settings: ServiceSettings) -> Sampler | None:
    """Traces have their ids everywhere; what happens in them is noted where it is sent on, or was asked for."""
    return None if settings.otlp_endpoint else ParentBased(ALWAYS_OFF)
