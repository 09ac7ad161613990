"""Spans from their declarations in `names`.

An error is told by its kind alone: messages may quote what a user wrote.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode

from headwater_kit.core.errors import HeadwaterError
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import tracer

Attributes = Mapping[str, str | int | float | bool]
# As many as the SDK keeps of one span.
MAX_LINKS = 128


def begun(
    declared: names.Span,
    attributes: Attributes,
    *,
    parent: Context | None = None,
    links: Iterable[SpanContext] = (),
) -> Span:
    """A span that the caller ends; it is nobody's parent until it is made current. `parent` None: the current one."""
    linked = [Link(each) for each in links if each.is_valid][:MAX_LINKS]
    return tracer().start_span(
        declared.name(attributes), parent, declared.kind, attributes, linked, record_exception=False
    )


@contextmanager
def span(
    declared: names.Span,
    attributes: Attributes,
    *,
    parent: Context | None = None,
    links: Iterable[SpanContext] = (),
) -> Iterator[Span]:
    """The current span while entered. An exception that leaves it fails it; a cancellation does not."""
    with ended(begun(declared, attributes, parent=parent, links=links)) as opened:
        token = context.attach(trace.set_span_in_context(opened))
        try:
            yield opened
        finally:
            context.detach(token)


@contextmanager
def ended(opened: Span) -> Iterator[Span]:
    """Ends a span when left, failed by an exception: for generators, in which no span may be the current one."""
    try:
        yield opened
    except Exception as error:
        failed(opened, error)
        raise
    finally:
        opened.end()


def below(caller: SpanContext) -> Context:
    """Where a span is the child of that one, whatever is going on here, as in another thread."""
    return trace.set_span_in_context(trace.NonRecordingSpan(caller), Context())


@contextmanager
def sharing(callers: Sequence[SpanContext]) -> Iterator[None]:
    """A span over work that one caller does for several, in its trace and linked to the others; alone it has none."""
    others = [each for each in callers if each != current()]
    if not others:
        yield
        return
    with span(names.SHARED, {names.COUNT: len(callers)}, links=others):
        yield


def failed(opened: Span, error: BaseException | str) -> None:
    """Notes that what the span is of has failed, and by what kind of error."""
    if isinstance(error, HeadwaterError):
        error = error.reason
    opened.set_attribute(names.ERROR_TYPE, error if isinstance(error, str) else type(error).__qualname__)
    opened.set_status(Status(StatusCode.ERROR))


def current() -> SpanContext:
    """Of the span under way; not valid outside one."""
    return trace.get_current_span().get_span_context()


def server_attributes(address: str) -> dict[str, str | int]:
    """Of the server at an address such as host:port, dns:///host:port or http://host:port."""
    host, separator, port = address.rpartition("/")[2].rpartition(":")
    if not separator or not port.isdecimal():
        return {names.SERVER_ADDRESS: address.rpartition("/")[2]}
    return {names.SERVER_ADDRESS: host.strip("[]"), names.SERVER_PORT: int(port)}
