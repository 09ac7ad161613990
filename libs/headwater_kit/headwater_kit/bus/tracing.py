"""The trace a record belongs to.

Method: OpenTelemetry semantic conventions for messaging. By hand, since the
published instrumentation makes a span of every empty poll and orphans the rest.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace

from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import tracer
from headwater_kit.telemetry.propagation import extract, inject


@contextmanager
def handling(record: Record, group: str) -> Iterator[None]:
    """A span over the handling of a record, in the trace its producer began."""
    attributes: dict[str, str | int] = {
        names.BUS_SYSTEM: "kafka",
        names.BUS_TOPIC: record.topic,
        names.BUS_PARTITION: str(record.partition),
        names.BUS_OFFSET: record.offset,
        names.BUS_GROUP: group,
    }
    context = extract(record.headers)
    with tracer().start_as_current_span(f"process {record.topic}", context, trace.SpanKind.CONSUMER, attributes):
        yield


def stamped(output: Outbound) -> Outbound:
    """The record with the current trace context in its headers."""
    return dataclasses.replace(output, headers=inject(output.headers))


def trace_id() -> str:
    """The current trace's id as 32 hex digits; empty without one."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""
