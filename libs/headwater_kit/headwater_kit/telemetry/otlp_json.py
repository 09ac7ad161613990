"""Spans as OTLP/JSON, one line a batch, as an OpenTelemetry Collector reads from a file (`otlpjsonfile`).

Format: OpenTelemetry Protocol File Exporter. By hand, since the SDK's way there
leads through protobuf messages, which take ten times as long to turn into JSON.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, format_span_id, format_trace_id

SCOPE = "headwater"


def line_of(spans: Sequence[ReadableSpan]) -> str:
    """All of them, of one process, in one line without its end."""
    resource = spans[0].resource.attributes
    body = {"scope": {"name": SCOPE}, "spans": [_span(span) for span in spans]}
    data = {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [body]}]}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _span(span: ReadableSpan) -> dict[str, Any]:
    found: dict[str, Any] = {
        **_ids(span.get_span_context()),
        "name": span.name,
        # OTLP counts from 1, and means by 0 that nobody said.
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": span.status.status_code.value},
    }
    if span.parent is not None:
        found["parentSpanId"] = format_span_id(span.parent.span_id)
    if span.links:
        found["links"] = [_link(link) for link in span.links]
    if span.events:
        found["events"] = [_event(event) for event in span.events]
    return found


def _link(link: Link) -> dict[str, Any]:
    return _ids(link.context)


def _event(event: Event) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event.timestamp),
        "name": event.name,
        "attributes": _attributes(event.attributes or {}),
    }


def _ids(context: SpanContext | None) -> dict[str, str]:
    if context is None:
        return {}
    return {"traceId": format_trace_id(context.trace_id), "spanId": format_span_id(context.span_id)}


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case _:
            return {"arrayValue": {"values": [_value(each) for each in value]}}
