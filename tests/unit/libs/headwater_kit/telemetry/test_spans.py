"""Spans as they are declared, without content, sampled as set."""

import pytest
from headwater_kit.core.errors import Unavailable
from headwater_kit.settings import ServiceSettings
from headwater_kit.telemetry import names
from headwater_kit.telemetry.spans import current, server_attributes, sharing, span
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags
from unit.libs.headwater_kit.telemetry.conftest import Record

STEP = {names.STEP: "rank"}


def test_a_span_has_the_declared_name_and_kind(spans: InMemorySpanExporter) -> None:
    with span(names.SEND, {names.BUS_TOPIC: "answers.v1"}):
        pass
    (found,) = spans.get_finished_spans()
    assert (found.name, found.kind) == ("send answers.v1", SpanKind.PRODUCER)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Unavailable("mallory's secret"), "UNAVAILABLE"), (ValueError("mallory's secret"), "ValueError")],
)
def test_an_error_is_told_by_its_kind_and_not_by_its_words(
    spans: InMemorySpanExporter, error: Exception, kind: str
) -> None:
    with pytest.raises(type(error)), span(names.STAGE, STEP):
        raise error
    (found,) = spans.get_finished_spans()
    assert found.attributes is not None
    assert found.attributes[names.ERROR_TYPE] == kind
    assert found.status.status_code is StatusCode.ERROR
    assert "mallory" not in found.to_json()


def test_work_for_several_is_linked_to_the_others_and_work_for_one_is_no_span(spans: InMemorySpanExporter) -> None:
    other = SpanContext(1, 2, True, TraceFlags(TraceFlags.SAMPLED))
    with span(names.STAGE, STEP):
        own = current()
        with sharing([own]):
            pass
        with sharing([own, other]):
            pass
    shared, _ = spans.get_finished_spans()
    assert shared.parent is not None
    assert shared.parent.span_id == own.span_id
    assert [link.context for link in shared.links] == [other]


def test_of_a_trace_that_is_not_sampled_the_errors_are_kept(record: Record) -> None:
    spans = record(ServiceSettings(trace_ratio=0.0))
    with span(names.STAGE, STEP), pytest.raises(ValueError, match="no"), span(names.STAGE, STEP):
        raise ValueError("no")
    (found,) = spans.get_finished_spans()
    assert found.status.status_code is StatusCode.ERROR


def test_of_a_trace_that_is_not_sampled_nothing_is_kept_where_errors_are_not_wanted(record: Record) -> None:
    spans = record(ServiceSettings(trace_ratio=0.0, trace_errors=False))
    with pytest.raises(ValueError, match="no"), span(names.STAGE, STEP):
        raise ValueError("no")
    assert spans.get_finished_spans() == ()


def test_a_share_of_the_traces_is_sampled(record: Record) -> None:
    spans = record(ServiceSettings(trace_ratio=0.25))
    for _ in range(400):
        with span(names.STAGE, STEP), span(names.STAGE, STEP):
            pass
    found = spans.get_finished_spans()
    # Whole traces or nothing; far from 0.25 once in a million runs.
    assert len(found) == 2 * len({each.get_span_context().trace_id for each in found})  # type: ignore[union-attr]
    assert 50 < len(found) / 2 < 160


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("127.0.0.1:7401", "127.0.0.1", 7401),
        ("dns:///embed.headwater:7402", "embed.headwater", 7402),
        ("http://[::1]:19530", "::1", 19530),
        ("milvus", "milvus", None),
    ],
)
def test_a_server_is_told_by_host_and_port(address: str, host: str, port: int | None) -> None:
    found = server_attributes(address)
    assert (found[names.SERVER_ADDRESS], found.get(names.SERVER_PORT)) == (host, port)
