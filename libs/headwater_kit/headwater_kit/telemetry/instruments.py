"""Instruments from their declarations in `names`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from opentelemetry import metrics, trace

from headwater_kit.telemetry import names

SCOPE = "headwater"

# A value and the attributes it comes with.
Reading = tuple[float, Mapping[str, str]]
Read = Callable[[], Iterable[Reading]]


@cache
def tracer() -> trace.Tracer:
    """The tracer of all Headwater code; spans go nowhere until `setup`."""
    return trace.get_tracer(SCOPE)


def event(name: str, attributes: Mapping[str, str | bool | float]) -> None:
    """Notes something in the span of the work under way; `name` and the attributes' names are declared in `names`."""
    trace.get_current_span().add_event(name, attributes)


@cache
def counter(declared: names.Counter) -> metrics.Counter:
    """The process's instrument of this declaration."""
    return _meter().create_counter(declared.name, unit=declared.unit, description=declared.meaning)


@cache
def gauge(declared: names.Gauge) -> metrics.UpDownCounter:
    """The process's instrument of this declaration; `add` moves it."""
    return _meter().create_up_down_counter(declared.name, unit=declared.unit, description=declared.meaning)


def observed(declared: names.Gauge, read: Callable[[], float]) -> None:
    """From now on the process's value of this declaration is what `read` returns whenever it is asked for."""
    observed_each(declared, lambda: [(read(), {})])


def observed_each(declared: names.Gauge, read: Read) -> Callable[[], None]:
    """From now on the values that `read` gives are among the process's of this declaration.

    Until what is returned is called. `read` is called by whoever exports, in a
    thread of theirs, and must not wait.
    """
    reads = _reads(declared)
    reads.append(read)

    def forget() -> None:
        if read in reads:
            reads.remove(read)

    return forget


@cache
def _reads(declared: names.Gauge) -> list[Read]:
    reads: list[Read] = []

    def observe(_: metrics.CallbackOptions) -> Iterator[metrics.Observation]:
        return (metrics.Observation(value, of) for read in tuple(reads) for value, of in read())

    _meter().create_observable_gauge(declared.name, [observe], unit=declared.unit, description=declared.meaning)
    return reads


@cache
def histogram(declared: names.Histogram) -> metrics.Histogram:
    """The process's instrument of this declaration."""
    return _meter().create_histogram(
        declared.name,
        unit=declared.unit,
        description=declared.meaning,
        explicit_bucket_boundaries_advisory=declared.bounds,
    )


def _meter() -> metrics.Meter:
    return metrics.get_meter(SCOPE)
