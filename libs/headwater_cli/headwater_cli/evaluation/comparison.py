"""Whether one run is better than another: paired by query, so that a set's hard queries hide no difference.

The interval is a percentile bootstrap over queries (Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993); the p value is of a randomisation test,
which asks how often so large a difference comes about where each query's two
values change places by chance (Smucker, Allan and Carterette, "A Comparison of
Statistical Significance Tests for Information Retrieval Evaluation", CIKM 2007).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from headwater_kit.core.errors import InvalidInput

from headwater_cli.evaluation.run import Row, Run, latencies

RESAMPLES = 9_999
CONFIDENCE = 0.95
SEED = 7
# Numbers drawn at a time: 64 MiB of them.
BATCH_VALUES = 8_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure in both runs: means, the second's less the first's, its interval, and the p value of no difference.

    `better` and `worse` count queries, as seen from the second run.
    """

    measure: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    p_value: float
    better: int
    worse: int

    @property
    def is_significant(self) -> bool:
        """Whether chance alone brings so much about in less than one case of twenty."""
        return self.p_value < 1 - CONFIDENCE


@dataclass(frozen=True, slots=True)
class Change:
    """A query whose first measure differs."""

    before: Row
    after: Row
    difference: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, of each the queries that both asked, in one order."""

    before: Run
    after: Run
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]

    @property
    def queries(self) -> int:
        """How many both asked."""
        return len(self.before.rows)

    def values(self, most: int) -> dict[str, Any]:
        """The comparison for machines, with so many of the queries that changed most."""
        return {
            "before": self.before.summary(),
            "after": self.after.summary(),
            "queries": self.queries,
            "confidence": CONFIDENCE,
            "differences": {one.measure: _rounded(one) for one in self.differences},
            "latency_ms": {"before": latencies(self.before.rows), "after": latencies(self.after.rows)},
            "changed": [_changed(change) for change in self.changes[:most]],
        }


def compare(before: Run, after: Run) -> Comparison:
    """By each measure that both have. Raises InvalidInput where they asked different things or share too little."""
    if before.judgements != after.judgements:
        raise InvalidInput(
            f"{before.name} and {after.name} asked different queries or had them judged differently, "
            f"of {before.set_name} {before.split} and {after.set_name} {after.split}: compare runs over one set"
        )
    measures = [name for name in before.measures if name in after.measures]
    pairs = _pairs(before, after)
    if not measures or len(pairs) < 2:
        raise InvalidInput(
            f"{before.name} and {after.name} have {len(measures)} measures and {len(pairs)} queries in common: "
            "a comparison needs one and two at least"
        )
    changes = [Change(old, new, new.measures[measures[0]] - old.measures[measures[0]]) for old, new in pairs]
    return Comparison(
        replace(before, rows=tuple(old for old, _ in pairs)),
        replace(after, rows=tuple(new for _, new in pairs)),
        tuple(_difference(name, pairs) for name in measures),
        tuple(sorted((one for one in changes if one.difference), key=lambda one: -abs(one.difference))),
    )


def _pairs(before: Run, after: Run) -> list[tuple[Row, Row]]:
    later = {row.query_id: row for row in after.rows}
    return [(row, later[row.query_id]) for row in before.rows if row.query_id in later]


def interval(values: np.ndarray) -> tuple[float, float]:
    """Between which bounds the mean lies with 95 % confidence; both are the mean where there is but one value."""
    from scipy.stats import bootstrap  # noqa: PLC0415 - of the extra

    if len(values) < 2:
        return float(values.mean()), float(values.mean())
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=_batch(values),
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _difference(measure: str, pairs: Sequence[tuple[Row, Row]]) -> Difference:
    before, after = (np.array([pair[place].measures[measure] for pair in pairs]) for place in (0, 1))
    differences = after - before
    low, high = interval(differences)
    return Difference(
        measure,
        float(before.mean()),
        float(after.mean()),
        float(differences.mean()),
        low,
        high,
        _p_value(differences),
        int((differences > 0).sum()),
        int((differences < 0).sum()),
    )


def _p_value(differences: np.ndarray) -> float:
    from scipy.stats import permutation_test  # noqa: PLC0415 - of the extra

    # Of one sample, this turns signs about: the two values of a query change places.
    found = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        batch=_batch(differences),
        rng=np.random.default_rng(SEED),
    )
    return float(found.pvalue)


def _batch(values: np.ndarray) -> int:
    return max(1, BATCH_VALUES // len(values))


def _rounded(one: Difference) -> Mapping[str, Any]:
    said = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(one).items()}
    return said | {"is_significant": one.is_significant}


def _changed(change: Change) -> Mapping[str, Any]:
    return {
        "query_id": change.before.query_id,
        "text": change.before.text,
        "difference": round(change.difference, 4),
        "first_relevant": {"before": change.before.first_relevant, "after": change.after.first_relevant},
    }
