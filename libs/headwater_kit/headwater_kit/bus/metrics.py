"""What the bus counts and times; declared in `telemetry.names`."""

from collections.abc import Iterator
from contextlib import contextmanager

from headwater_kit.bus.ports import Record
from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import counter, gauge, histogram


def consumed(record: Record, group: str) -> None:
    """A record was taken from the broker."""
    counter(names.BUS_CONSUMED).add(1, _labels(record, group))
    gauge(names.BUS_IN_FLIGHT).add(1, _labels(record, group))


def dropped(record: Record, group: str) -> None:
    """A record was let go before it was done, to be delivered again."""
    gauge(names.BUS_IN_FLIGHT).add(-1, _labels(record, group))


def done(record: Record, group: str, delay_seconds: float) -> None:
    """A record's outputs are acknowledged."""
    counter(names.BUS_DONE).add(1, _labels(record, group))
    gauge(names.BUS_IN_FLIGHT).add(-1, _labels(record, group))
    histogram(names.BUS_DELAY).record(max(0.0, delay_seconds), _labels(record, group))


def dead_lettered(record: Record, group: str, error: HeadwaterError) -> None:
    """A record was put aside."""
    counter(names.BUS_DEAD_LETTERS).add(1, {**_labels(record, group), names.ERROR_REASON: error.reason})


def dead_letter_refused(record: Record, group: str, error: HeadwaterError) -> None:
    """A record was not put aside: its partition stands."""
    counter(names.BUS_REFUSED_DEAD_LETTERS).add(1, {**_labels(record, group), names.ERROR_REASON: error.reason})


def passed_over(record: Record, error: HeadwaterError) -> None:
    """A record of a table was refused by the state it should go into."""
    counter(names.BUS_PASSED_OVER).add(1, {names.BUS_TOPIC: record.topic, names.ERROR_REASON: error.reason})


def lost(topic: str, reason: str, count: int = 1) -> None:
    """Records that a reply left behind were not kept."""
    counter(names.BUS_LOST).add(count, {names.BUS_TOPIC: topic, names.ERROR_REASON: reason})


def retried(record: Record, group: str, error: Exception) -> None:
    """An attempt failed and will be repeated."""
    reason = error.reason if isinstance(error, HeadwaterError) else type(error).__name__
    counter(names.BUS_RETRIES).add(1, {**_labels(record, group), names.ERROR_REASON: reason})


@contextmanager
def handling(record: Record, group: str, clock: Clock) -> Iterator[None]:
    """Times one call of a handler."""
    start = clock.monotonic()
    try:
        yield
    finally:
        histogram(names.BUS_HANDLE_DURATION).record(clock.monotonic() - start, _labels(record, group))


@contextmanager
def committing(group: str, clock: Clock) -> Iterator[None]:
    """Times one commit."""
    start = clock.monotonic()
    try:
        yield
    finally:
        histogram(names.BUS_COMMIT_DURATION).record(clock.monotonic() - start, {names.BUS_GROUP: group})


def _labels(record: Record, group: str) -> dict[str, str]:
    return {names.BUS_TOPIC: record.topic, names.BUS_GROUP: group}
