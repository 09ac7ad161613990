"""Export of traces and metrics by OTLP over gRPC.

A module of its own, imported only where an endpoint is set: the exporter takes
about a fifth of a service's start.
"""

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import SpanExporter

# One try of an endpoint that is away; meanwhile the queue fills, and what is over goes.
TRY_SECONDS = 5


def span_exporter(endpoint: str) -> SpanExporter:
    """Sends spans."""
    return OTLPSpanExporter(endpoint, timeout=TRY_SECONDS)


def metric_reader(endpoint: str) -> MetricReader:
    """Sends metrics once a minute."""
    return PeriodicExportingMetricReader(OTLPMetricExporter(endpoint))
