from headwater_kit.telemetry import extract, inject
from headwater_kit.telemetry.propagation import links_in, with_links
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext, TraceFlags

TRACER = TracerProvider().get_tracer("test")
PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def trace_of(context: Context) -> str:
    return trace.format_trace_id(trace.get_current_span(context).get_span_context().trace_id)


def test_what_is_injected_is_extracted() -> None:
    with TRACER.start_as_current_span("producer") as span:
        headers = inject({"content-type": b"text/plain"})
    assert headers["content-type"] == b"text/plain"
    assert trace_of(extract(headers)) == trace.format_trace_id(span.get_span_context().trace_id)


def test_the_current_context_replaces_the_one_that_came() -> None:
    with TRACER.start_as_current_span("consumer", extract({"traceparent": PARENT})):
        headers = inject({"traceparent": PARENT, "tracestate": b"vendor=old"})
    assert headers["traceparent"] != PARENT
    assert trace_of(extract(headers)) == "0af7651916cd43dd8448eb211c80319c"


def test_outside_a_trace_nothing_is_carried_over() -> None:
    assert inject({"traceparent": PARENT}) == {}


def test_malformed_context_starts_a_new_trace() -> None:
    for value in (b"", b"\xff\xfe", b"00-zz-zz-01", b"x" * 10_000):
        assert not trace.get_current_span(extract({"traceparent": value})).get_span_context().is_valid


def test_links_go_into_a_header_and_come_out_again() -> None:
    links = [SpanContext(1 << 100 | number, number, True, TraceFlags(1)) for number in range(1, 5)]
    assert list(links_in(with_links({"a": b"b"}, links))) == links
    assert with_links({"a": b"b"}, []) == {"a": b"b"}


def test_of_many_links_the_latest_are_kept() -> None:
    links = [SpanContext(1, number, True, TraceFlags(1)) for number in range(1, 100)]
    assert list(links_in(with_links({}, links))) == links[-32:]


@given(st.binary(max_size=200))
def test_links_that_make_no_sense_are_left_out(header: bytes) -> None:
    assert all(each.is_valid for each in links_in({"headwater-trace-links": header}))
