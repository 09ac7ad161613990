"""What benches make of their measurements."""

import math
from collections.abc import Iterable, Mapping, Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed (nearest rank); NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def delays(seconds: Sequence[float]) -> dict[str, float]:
    """Count, median, 95th and 99th percentile and maximum, in milliseconds."""
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}
    return {
        "count": len(seconds),
        **{name: round(1000 * quantile(seconds, share), 1) for name, share in shares.items()},
    }


def rate(times: Sequence[float], skip: float = 0.1) -> float:
    """Events a second over the middle of a run: the first and last `skip` of them are left out."""
    ordered = sorted(times)
    first, last = int(len(ordered) * skip), int(len(ordered) * (1 - skip)) - 1
    if last <= first or ordered[last] <= ordered[first]:
        return math.nan
    return (last - first) / (ordered[last] - ordered[first])


def within(times: Iterable[float], start: float, end: float) -> int:
    """How many events lie in a window of time."""
    return sum(start <= time < end for time in times)


def growth(samples: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """By process: resident memory in the first and the last third of a run (medians, MiB), its top, and the ratio."""
    third = max(1, len(samples) // 3)
    grown = {}
    for name in samples[0] if samples else ():
        series = [sample[name] for sample in samples if name in sample]
        first, last = quantile(series[:third], 0.5), quantile(series[-third:], 0.5)
        grown[name] = {"first_mib": first, "last_mib": last, "top_mib": max(series), "ratio": round(last / first, 3)}
    return grown
