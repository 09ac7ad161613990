"""The trace a record belongs to.

Method: OpenTelemetry semantic conventions for messaging. By hand, since the
published instrumentation makes a span of every empty poll and orphans the rest.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanContext

from headwater_kit.bus.ports import Ack, Outbound, Record
from headwater_kit.bus.topics import is_dead_letter
from headwater_kit.telemetry import names
from headwater_kit.telemetry.propagation import extract, inject, links_in
from headwater_kit.telemetry.spans import current, span

_KAFKA = {names.BUS_SYSTEM: "kafka"}
_PROCESS = {**_KAFKA, names.BUS_OPERATION: "process", names.BUS_OPERATION_TYPE: "process"}
_SEND = {**_KAFKA, names.BUS_OPERATION: "send", names.BUS_OPERATION_TYPE: "send"}


@contextmanager
def handling(record: Record, group: str) -> Iterator[None]:
    """A span over the handling of a record, in the trace its producer began."""
    attributes: dict[str, str | int | bool] = {
        **_PROCESS,
        names.BUS_TOPIC: record.topic,
        names.BUS_PARTITION: str(record.partition),
        names.BUS_OFFSET: record.offset,
        names.BUS_GROUP: group,
    }
    if record.value is None:
        attributes[names.BUS_IS_TOMBSTONE] = True
    with span(names.PROCESS, attributes, parent=extract(record.headers), links=links_in(record.headers)):
        yield


def stamped(output: Outbound) -> Outbound:
    """The record with the current trace context in its headers."""
    return dataclasses.replace(output, headers=inject(output.headers))


class Sending:
    """A record on its way: as it is to be sent, and what is to be known of where it came to stand."""

    def __init__(self, output: Outbound, opened: trace.Span) -> None:
        self.output = output
        self._span = opened

    def acknowledged(self, ack: Ack) -> None:
        """Notes where it stands."""
        self._span.set_attribute(names.BUS_PARTITION, str(ack.partition))
        self._span.set_attribute(names.BUS_OFFSET, ack.offset)


@contextmanager
def sending(output: Outbound) -> Iterator[Sending]:
    """A span over the sending of a record, which carries it on; outside a trace, in the one that the record is of."""
    attributes: dict[str, str | int | bool] = {**_SEND, names.BUS_TOPIC: output.topic}
    if output.value is None:
        attributes[names.BUS_IS_TOMBSTONE] = True
    parent = None if current().is_valid else extract(output.headers)
    with span(names.SEND, attributes, parent=parent) as opened:
        # A dead letter keeps the headers of its record, byte for byte.
        yield Sending(output if is_dead_letter(output.topic) else stamped(output), opened)


@contextmanager
def sending_all(outputs: Sequence[Sequence[Outbound]]) -> Iterator[None]:
    """A span over the sending of what came of several records, in the trace of the first one and linked to the rest."""
    going = [each for each in outputs if each]
    if not going:
        yield
        return
    attributes: dict[str, str | int] = {**_SEND, names.BUS_COUNT: sum(map(len, going))}
    if len(topics := {output.topic for each in going for output in each}) == 1:
        attributes[names.BUS_TOPIC] = topics.pop()
    links = (context_of(each[0]) for each in going[1:])
    with span(names.SEND_BATCH, attributes, parent=extract(going[0][0].headers), links=links):
        yield


def context_of(record: Record | Outbound) -> SpanContext:
    """The span that a record came of; not valid where its headers name none."""
    return trace.get_current_span(extract(record.headers)).get_span_context()
