"""Spans in files: bounded, readable, written by nobody who waits."""

import json
import threading
from pathlib import Path

from headwater_kit.telemetry import names
from headwater_kit.telemetry.setup import QUEUED_SPANS, _queued
from headwater_kit.telemetry.span_files import SpanFiles, lines
from headwater_kit.telemetry.spans import span
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


def some_spans(spans: InMemorySpanExporter) -> tuple[ReadableSpan, ...]:
    with span(names.STAGE, {names.STEP: "rank"}), span(names.SEND, {names.BUS_TOPIC: "a", names.BUS_OFFSET: 7}):
        pass
    return spans.get_finished_spans()


def test_spans_are_written_as_otlp_json(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    SpanFiles(tmp_path / "spans", 1_000_000).export(some_spans(spans))
    (line,) = lines(tmp_path / "spans")
    (resource,) = json.loads(line)["resourceSpans"]
    assert {"key": "service.name", "value": {"stringValue": "headwater-test"}} in resource["resource"]["attributes"]
    inner, outer = resource["scopeSpans"][0]["spans"]
    assert (inner["name"], inner["kind"], inner["parentSpanId"]) == ("send a", 4, outer["spanId"])
    assert inner["traceId"] == outer["traceId"]
    assert {"key": names.BUS_OFFSET, "value": {"intValue": "7"}} in inner["attributes"]
    assert int(inner["startTimeUnixNano"]) <= int(inner["endTimeUnixNano"])
    assert "parentSpanId" not in outer


def test_the_files_are_bounded_and_keep_the_latest(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    found = some_spans(spans)
    files = SpanFiles(tmp_path, 20_000)
    for _ in range(100):
        assert files.export(found) is SpanExportResult.SUCCESS
    assert 10_000 < sum(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000
    assert len(list(tmp_path.iterdir())) == 2


def test_nobody_waits_for_an_exporter_that_stands_still() -> None:
    free = threading.Event()

    class Stuck(SpanExporter):
        exported = 0

        def export(self, spans: object) -> SpanExportResult:
            free.wait()
            Stuck.exported += len(spans)  # type: ignore[arg-type]
            return SpanExportResult.SUCCESS

    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(_queued(Stuck()))
    tracer = tracers.get_tracer("test")
    # Were one of them to wait, it would wait for ever.
    for _ in range(3 * QUEUED_SPANS):
        tracer.start_span("work").end()
    free.set()
    tracers.shutdown()
    # What it held when it stood still, and what the queue holds.
    assert 0 < Stuck.exported <= QUEUED_SPANS + 512
