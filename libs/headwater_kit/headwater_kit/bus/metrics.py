"""What the bus counts and times."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from opentelemetry import metrics

from headwater_kit.bus.ports import Record
from headwater_kit.core.errors import HeadwaterError

_meter = metrics.get_meter("headwater.bus")
_consumed = _meter.create_counter("headwater.bus.consumed", "{record}", "records taken from the broker")
_done = _meter.create_counter("headwater.bus.done", "{record}", "records whose outputs are acknowledged")
_dead = _meter.create_counter("headwater.bus.dead_letters", "{record}", "records put aside, by reason")
_retries = _meter.create_counter("headwater.bus.retries", "{attempt}", "attempts that failed and are repeated")
_in_flight = _meter.create_up_down_counter("headwater.bus.in_flight", "{record}", "records taken and not yet done")
_handle = _meter.create_histogram("headwater.bus.handle.duration", "s", "one call of a record's handler")
_delay = _meter.create_histogram("headwater.bus.delay", "s", "from a record's produce time until it is done")
_commit = _meter.create_histogram("headwater.bus.commit.duration", "s", "one commit of offsets")


def consumed(record: Record, group: str) -> None:
    """A record was taken from the broker."""
    _consumed.add(1, _labels(record, group))
    _in_flight.add(1, _labels(record, group))


def dropped(record: Record, group: str) -> None:
    """A record was let go before it was done, to be delivered again."""
    _in_flight.add(-1, _labels(record, group))


def done(record: Record, group: str, delay_seconds: float) -> None:
    """A record's outputs are acknowledged."""
    _done.add(1, _labels(record, group))
    _in_flight.add(-1, _labels(record, group))
    _delay.record(max(0.0, delay_seconds), _labels(record, group))


def dead_lettered(record: Record, group: str, error: HeadwaterError) -> None:
    """A record was put aside."""
    _dead.add(1, {**_labels(record, group), "reason": error.reason})


def retried(record: Record, group: str, error: Exception) -> None:
    """An attempt failed and will be repeated."""
    reason = error.reason if isinstance(error, HeadwaterError) else type(error).__name__
    _retries.add(1, {**_labels(record, group), "reason": reason})


@contextmanager
def handling(record: Record, group: str) -> Iterator[None]:
    """Times one call of a handler."""
    start = perf_counter()
    try:
        yield
    finally:
        _handle.record(perf_counter() - start, _labels(record, group))


@contextmanager
def committing(group: str) -> Iterator[None]:
    """Times one commit."""
    start = perf_counter()
    try:
        yield
    finally:
        _commit.record(perf_counter() - start, {"group": group})


def _labels(record: Record, group: str) -> dict[str, str]:
    return {"topic": record.topic, "group": group}
