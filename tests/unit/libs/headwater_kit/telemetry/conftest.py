"""Spans of a test, in memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from headwater_kit.settings import ServiceSettings
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from unit.recording import recorded

Record = Callable[[ServiceSettings], InMemorySpanExporter]


@pytest.fixture
def record() -> Iterator[Record]:
    """Begins to record, as these settings say."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(recorded(settings))


@pytest.fixture
def spans(record: Record) -> InMemorySpanExporter:
    """All spans."""
    return record(ServiceSettings())
