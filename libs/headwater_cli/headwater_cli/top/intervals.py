"""What happened between two looks."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from headwater_kit.telemetry import names
from headwater_kit.telemetry.exposition import family, label

from headwater_cli.top.scraping import Snapshot


@dataclass(frozen=True, slots=True)
class Interval:
    """Two snapshots; a counter that went down was begun anew in between, and counts from 0.

    Only of services that answered both times can be told what happened in between.
    """

    before: Snapshot
    after: Snapshot

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max(1e-3, self.after.time - self.before.time)

    def growth(self, declared: names.Metric, *by: str, part: str = "", **wanted: str) -> dict[tuple[str, ...], float]:
        """How much a counter grew, by attributes."""
        before, after = (each.sums(declared, *by, part=part, **wanted) for each in self._both())
        return {key: _grown(before.get(key, 0.0), value) for key, value in after.items()}

    def rates(self, declared: names.Metric, *by: str, part: str = "", **wanted: str) -> dict[tuple[str, ...], float]:
        """The same in a second."""
        grown = self.growth(declared, *by, part=part, **wanted)
        return {key: value / self.seconds for key, value in grown.items()}

    def quantile(self, declared: names.Histogram, share: float, **wanted: str) -> float | None:
        """The value that `share` of the events were at most, within a bucket's bounds; None without events."""
        before, after = (dict(_buckets(each, declared, **wanted)) for each in self._both())
        grown = [(bound, _grown(before.get(bound, 0.0), count)) for bound, count in sorted(after.items())]
        return quantile(grown, share)

    def _both(self) -> tuple[Snapshot, Snapshot]:
        return self.before.only(self.after.answered), self.after.only(self.before.answered)


def quantile(buckets: list[tuple[float, float]], share: float) -> float | None:
    """As Prometheus' `histogram_quantile`: linear within a bucket; `buckets` are upper bounds and counts up to them."""
    if not buckets or buckets[-1][1] <= 0:
        return None
    rank, lower, below = share * buckets[-1][1], 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (rank - below) / max(count - below, 1e-12)
        lower, below = bound, count
    return lower


def _buckets(snapshot: Snapshot, declared: names.Histogram, **wanted: str) -> Iterator[tuple[float, float]]:
    totals: defaultdict[float, float] = defaultdict(float)
    for labels, value in snapshot.of(f"{family(declared)}_bucket", **wanted):
        totals[float(labels["le"])] += value
    yield from totals.items()


def _grown(before: float, after: float) -> float:
    return after - before if after >= before else after


def labelled(attribute: str, value: str) -> dict[str, str]:
    """A wish for `wanted`."""
    return {label(attribute): value}
