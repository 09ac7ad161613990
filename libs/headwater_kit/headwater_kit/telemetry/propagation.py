"""W3C trace context in Kafka headers and gRPC metadata."""

from collections.abc import Iterable, Mapping, Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# The format is the contract with other systems, so it is not left to OTEL_PROPAGATORS.
_PROPAGATOR = TraceContextTextMapPropagator()
FIELDS = frozenset(_PROPAGATOR.fields)
# Further spans that a record came of, each as a traceparent, with commas between. W3C has a word for one alone.
LINKS = "headwater-trace-links"
MAX_LINKS = 32


def inject(headers: Mapping[str, bytes]) -> dict[str, bytes]:
    """The Kafka headers with the current trace context in place of any that was there."""
    carried = {name: value for name, value in headers.items() if name not in FIELDS}
    carried.update((name, value.encode()) for name, value in trace_fields().items())
    return carried


def extract(headers: Mapping[str, bytes]) -> Context:
    """The trace context in Kafka headers; an empty one where there is none or it is malformed."""
    carrier = {name: headers[name].decode("ascii", "replace") for name in FIELDS if name in headers}
    return _PROPAGATOR.extract(carrier, Context())


def with_links(headers: Mapping[str, bytes], links: Iterable[SpanContext]) -> dict[str, bytes]:
    """The Kafka headers of a record that came of several spans, the latest of which come last; 32 at most."""
    named = [_traceparent(each) for each in links if each.is_valid][-MAX_LINKS:]
    return {**headers, LINKS: ",".join(named).encode()} if named else dict(headers)


def links_in(headers: Mapping[str, bytes]) -> Sequence[SpanContext]:
    """The spans that `with_links` put into Kafka headers; those that are malformed are left out."""
    named = headers.get(LINKS, b"").decode("ascii", "replace").split(",")[:MAX_LINKS]
    found = (trace.get_current_span(_PROPAGATOR.extract({"traceparent": each}, Context())) for each in named)
    return [context for each in found if (context := each.get_span_context()).is_valid]


def extract_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> Context:
    """The trace context in gRPC metadata; an empty one where there is none or it is malformed."""
    carrier = {name: str(value) for name, value in metadata if name in FIELDS}
    return _PROPAGATOR.extract(carrier, Context())


def trace_fields() -> dict[str, str]:
    """The current trace context as header fields; empty outside a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


def _traceparent(context: SpanContext) -> str:
    trace_id, span_id = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
    return f"00-{trace_id}-{span_id}-{context.trace_flags:02x}"
