"""What must hold of all spans of a run, whoever made them: declared, connected, without content."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from headwater_kit.telemetry import names

Known = Mapping[tuple[str, str], Sequence[names.Span]]


def undeclared(spans: Iterable[ReadableSpan]) -> list[str]:
    """What differs from the declarations, each fault once: names, kinds, attributes that lack, that are too many."""
    return list(dict.fromkeys(fault for span in spans for fault in _undeclared(span)))


def orphans(spans: Sequence[ReadableSpan], outside: Collection[str] = ()) -> list[str]:
    """Spans whose parent is none of these, nor one of `outside`, the traceparents with which callers came."""
    known = {(c.trace_id, c.span_id) for span in spans if (c := span.get_span_context())}
    known |= {(int(trace, 16), int(span, 16)) for _, trace, span, _ in (each.split("-") for each in outside)}
    return [
        f"{span.name}: no parent"
        for span in spans
        if span.parent is not None and (span.parent.trace_id, span.parent.span_id) not in known
    ]


def traces(spans: Iterable[ReadableSpan]) -> Mapping[int, Sequence[ReadableSpan]]:
    """The spans by trace."""
    found: defaultdict[int, list[ReadableSpan]] = defaultdict(list)
    for span in spans:
        found[_context(span).trace_id].append(span)
    return found


def parts(spans: Sequence[ReadableSpan]) -> int:
    """How many parts they fall into where parents and links hold together: one, if all are connected."""
    up: dict[int, int] = {}

    def top(node: int) -> int:
        while (above := up.setdefault(node, node)) != node:
            up[node], node = up[above], above
        return node

    for span in spans:
        near = [span.parent, *(link.context for link in span.links)]
        for context in near:
            if context is not None:
                up[top(_context(span).span_id)] = top(context.span_id)
    return len({top(_context(span).span_id) for span in spans})


def named(spans: Iterable[ReadableSpan]) -> Mapping[str, int]:
    """How many there are of each name."""
    return Counter(span.name for span in spans)


def holding(spans: Iterable[ReadableSpan], planted: Collection[str]) -> list[str]:
    """Names of the spans that hold one of these words in anything that is exported of them."""
    return [span.name for span in spans if any(word in json.dumps(_said(span)) for word in planted)]


def _said(span: ReadableSpan) -> list[object]:
    events = [[event.name, dict(event.attributes or {})] for event in span.events]
    links = [dict(link.attributes or {}) for link in span.links]
    return [span.name, dict(span.attributes or {}), events, links, span.status.description or ""]


def _undeclared(span: ReadableSpan) -> Iterator[str]:
    attributes = span.attributes or {}
    declared = [each for each in names.SPANS if each.kind is span.kind and each.name(dict(attributes)) == span.name]  # type: ignore[arg-type]
    if not declared:
        yield f"{span.kind.name} {span.name!r} is not declared"
        return
    faults = [list(_differences(span, each)) for each in declared]
    yield from min(faults, key=len)


def _differences(span: ReadableSpan, declared: names.Span) -> Iterator[str]:
    has = set(span.attributes or {})
    for lacking in sorted(set(declared.required) - has - (_OF_WHAT_SUCCEEDED if _is_failed(span) else set())):
        yield f"{span.kind.name} {span.name!r} lacks {lacking}"
    for banned in sorted(has - {*declared.required, *declared.optional}):
        yield f"{span.kind.name} {span.name!r} has {banned}"
    yield from (f"{span.name!r} notes {event.name!r}" for event in span.events if not _is_event(event.name))
    if span.status.description:
        yield f"{span.name!r} describes its status"


# What is known at the end alone.
_OF_WHAT_SUCCEEDED = {names.GUARD_VERDICT, names.COUNT, names.MODEL_TOKENS_READ, names.MODEL_DIMENSION}


def _is_failed(span: ReadableSpan) -> bool:
    return names.ERROR_TYPE in (span.attributes or {})


def _is_event(name: str) -> bool:
    return name.startswith(f"{names.RETRIEVE_STAGE}.")


def _context(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    if context is None:
        raise AssertionError("a span without a context")
    return context
