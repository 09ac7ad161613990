"""Spans as they were kept, by whichever program: read from OTLP/JSON, ordered as trees."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater_kit.core.errors import Unavailable

# What a span is kept under in the replies of those who keep them: OTLP's own word, and the one before it.
_RESOURCES = ("resourceSpans", "batches")
_SCOPES = ("scopeSpans", "instrumentationLibrarySpans")
_FAILED = ("2", "STATUS_CODE_ERROR")
_HEX_DIGITS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """A span; times in nanoseconds since the epoch. `links` are spans of others, by trace and span id."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    start_ns: int
    end_ns: int
    is_failed: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0, self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class SpanTree:
    """A span and what it is the parent of, by time. Where a parent was not kept, its children stand alone."""

    span: StoredSpan
    children: Sequence["SpanTree"]

    def walk(self) -> Iterator[StoredSpan]:
        """All of it, from the top."""
        yield self.span
        for child in self.children:
            yield from child.walk()


def trees(spans: Iterable[StoredSpan]) -> list[SpanTree]:
    """The spans as trees, by time."""
    known = {span.span_id: span for span in spans}
    children: defaultdict[str, list[StoredSpan]] = defaultdict(list)
    for span in sorted(known.values(), key=lambda each: (each.start_ns, -each.end_ns)):
        children[span.parent_id if span.parent_id in known else ""].append(span)

    def grown(span: StoredSpan) -> SpanTree:
        return SpanTree(span, [grown(child) for child in children[span.span_id]])

    return [grown(span) for span in children[""]]


def parsed(text: bytes) -> Iterator[StoredSpan]:
    """The spans in an OTLP/JSON object, or in a reply that holds one. Raises Unavailable for what is none."""
    try:
        yield from _spans(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unavailable(f"spans cannot be read: {type(error).__name__}") from error


def _spans(reply: Any) -> Iterator[StoredSpan]:
    for resource in _resources(reply):
        service = _attributes(resource.get("resource", {}).get("attributes", ())).get("service.name", "")
        for scope in _first(resource, _SCOPES):
            for span in scope.get("spans", ()):
                yield _span(span, str(service).removeprefix("headwater-"))


def _resources(reply: Any) -> Iterable[Any]:
    """Jaeger and Tempo put a word or two around what OTLP says."""
    for word in ("result", "trace"):
        reply = reply.get(word, reply)
    return _first(reply, _RESOURCES)


def _first(of: Mapping[str, Any], words: Sequence[str]) -> Sequence[Any]:
    return next((of[word] for word in words if word in of), ())


def _span(span: Any, service: str) -> StoredSpan:
    return StoredSpan(
        _id(span, "traceId"),
        _id(span, "spanId"),
        _id(span, "parentSpanId"),
        service,
        span.get("name", ""),
        int(span["startTimeUnixNano"]),
        int(span["endTimeUnixNano"]),
        str(span.get("status", {}).get("code", "")) in _FAILED,
        _attributes(span.get("attributes", ())),
        tuple((_id(link, "traceId"), _id(link, "spanId")) for link in span.get("links", ())),
    )


def _id(of: Any, name: str) -> str:
    """In hexadecimal digits, as OTLP says; some write protobuf's base64."""
    value = str(of.get(name, ""))
    return value.lower() if len(value) in (0, _HEX_DIGITS[name]) else base64.b64decode(value).hex()


def _attributes(listed: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {each["key"]: _value(each.get("value", {})) for each in listed}


def _value(value: Mapping[str, Any]) -> Any:
    kind: str
    held: Any
    kind, held = next(iter(value.items()), ("", None))
    if kind == "intValue":
        return int(held)
    return [_value(each) for each in held.get("values", ())] if kind == "arrayValue" else held
