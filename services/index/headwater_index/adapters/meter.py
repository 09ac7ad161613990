"""Drift, and the change to another model, as metrics."""

from collections.abc import Mapping

from headwater_kit.core.reindexes import ReindexStage, ReindexStatus
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


class ReindexMetrics:
    """What `reindexes.v1` says of the last reindex; every process of index shows the same."""

    def __init__(self) -> None:
        self._shown: dict[tuple[names.Gauge, str], float] = {}

    def measure(self, status: ReindexStatus) -> None:
        """Shows this status in the place of the one before."""
        report, judgement = status.report, status.judgement
        for stage in ReindexStage:
            is_at = report is not None and report.stage is stage
            self._show(names.INDEX_REINDEX_STAGE, float(is_at), stage.value)
        self._show(names.INDEX_REINDEX_DONE, report.done if report else 0)
        self._show(names.INDEX_REINDEX_TOTAL, report.total if report else 0)
        self._show(names.INDEX_REINDEX_PASSED_OVER, report.passed_over if report else 0)
        self._show(names.INDEX_REINDEX_AGREEMENT, judgement.agreement if judgement else 0.0)

    def _show(self, declared: names.Gauge, value: float, stage: str = "") -> None:
        of = {names.INDEX_REINDEX_STAGE_NAME: stage} if stage else {}
        gauge(declared).add(value - self._shown.get((declared, stage), 0.0), of)
        self._shown[declared, stage] = value
