"""W3C trace context in Kafka headers and gRPC metadata."""

from collections.abc import Iterable, Mapping

from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# The format is the contract with other systems, so it is not left to OTEL_PROPAGATORS.
_PROPAGATOR = TraceContextTextMapPropagator()
FIELDS = frozenset(_PROPAGATOR.fields)


def inject(headers: Mapping[str, bytes]) -> dict[str, bytes]:
    """The Kafka headers with the current trace context in place of any that was there."""
    carried = {name: value for name, value in headers.items() if name not in FIELDS}
    carried.update((name, value.encode()) for name, value in trace_fields().items())
    return carried


def extract(headers: Mapping[str, bytes]) -> Context:
    """The trace context in Kafka headers; an empty one where there is none or it is malformed."""
    carrier = {name: headers[name].decode("ascii", "replace") for name in FIELDS if name in headers}
    return _PROPAGATOR.extract(carrier, Context())


def extract_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> Context:
    """The trace context in gRPC metadata; an empty one where there is none or it is malformed."""
    carrier = {name: str(value) for name, value in metadata if name in FIELDS}
    return _PROPAGATOR.extract(carrier, Context())


def trace_fields() -> dict[str, str]:
    """The current trace context as header fields; empty outside a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier
