"""Drift as metrics."""

from collections.abc import Mapping

from headwater_kit.telemetry import names
from headwater_kit.telemetry.instruments import counter, gauge

from headwater_index.domain.drift import Kind


class DriftMetrics:
    """A `ports.DriftMeter` over the telemetry of this process."""

    def __init__(self) -> None:
        self._shown = dict.fromkeys(Kind, 0)

    def measure(self, counts: Mapping[Kind, int], repaired: int) -> None:
        """As `DriftMeter.measure`; the gauge says what the last comparison found."""
        for kind in Kind:
            found = counts.get(kind, 0)
            gauge(names.INDEX_DRIFT).add(found - self._shown[kind], {names.INDEX_DRIFT_KIND: kind.value})
            self._shown[kind] = found
        counter(names.INDEX_REPAIRED).add(repaired)
        counter(names.INDEX_COMPARISONS).add(1)
