"""W3C trace context through record headers.

Method: OpenTelemetry semantic conventions for messaging; the published
instrumentation makes a span of every empty poll and orphans the rest, so this
is done by hand.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from headwater_kit.bus.ports import Headers, Outbound, Record

_tracer = trace.get_tracer("headwater.bus")


@contextmanager
def handling(record: Record, group: str) -> Iterator[None]:
    """A span over the handling of a record, in the trace its producer began."""
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
        "messaging.consumer.group.name": group,
    }
    with _tracer.start_as_current_span(
        f"process {record.topic}", _context(record.headers), trace.SpanKind.CONSUMER, attributes
    ):
        yield


def stamped(output: Outbound) -> Outbound:
    """The record with the current trace context in its headers."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    if not carrier:
        return output
    return dataclasses.replace(
        output, headers={**output.headers, **{name: text.encode() for name, text in carrier.items()}}
    )


def trace_id() -> str:
    """The current trace's id as 32 hex digits; empty without one."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def _context(headers: Headers) -> Context:
    return propagate.extract({name: value.decode("ascii", "replace") for name, value in headers.items()})
