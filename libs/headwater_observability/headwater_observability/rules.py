"""Objectives and alerts as Prometheus rules.

`python -m headwater_observability.rules deploy/observability/rules.yaml` writes them.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from headwater_observability.alerts import ALERTS, Alert, Severity
from headwater_observability.slos import SLOS, Slo

Rule = dict[str, Any]

# Of the budget of 30 days: 2 % in an hour or 5 % in six wakes somebody; 10 % in one day or in three is a ticket.
# The short window ends an alert soon after the fault. Source: The Site Reliability Workbook, table 5-8.
BURNS = {
    Severity.PAGE: (("1h", "5m", 14.4), ("6h", "30m", 6.0)),
    Severity.TICKET: (("1d", "2h", 3.0), ("3d", "6h", 1.0)),
}
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
HEAD = "# Made by `make observability` from headwater_observability; change it there.\n"


def recorded(window: str) -> str:
    """The series that holds each objective's share of bad events over a window."""
    return f"headwater:slo_errors:ratio_rate{window}"


def burn(slo: Slo, severity: Severity) -> str:
    """The query that tells whether an objective's budget burns too fast."""

    def over(window: str, factor: float) -> str:
        return f'{recorded(window)}{{slo="{slo.name}"}} > {factor * slo.budget:.6g}'

    pairs = (f"({over(long, factor)} and {over(short, factor)})" for long, short, factor in BURNS[severity])
    return " or ".join(pairs)


def rules() -> dict[str, Any]:
    """The file of rules."""
    groups = [{"name": f"headwater-slo-{slo.name}", "rules": [*_records(slo), *_burns(slo)]} for slo in SLOS]
    return {"groups": [*groups, {"name": "headwater", "rules": [_alert(alert) for alert in ALERTS]}]}


def as_yaml() -> str:
    """The file as text."""
    return HEAD + yaml.safe_dump(rules(), sort_keys=False, width=120, allow_unicode=True)


def as_manifest() -> str:
    """The same for the Prometheus operator, as one PrometheusRule."""
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "headwater"},
        "spec": rules(),
    }
    return HEAD + yaml.safe_dump(manifest, sort_keys=False, width=120, allow_unicode=True)


def _records(slo: Slo) -> Iterator[Rule]:
    for window in WINDOWS:
        yield {"record": recorded(window), "expr": slo.ratio(window), "labels": {"slo": slo.name}}


def _burns(slo: Slo) -> Iterator[Rule]:
    for severity in Severity:
        yield {
            "alert": slo.alert,
            "expr": burn(slo, severity),
            "labels": {"severity": severity.value, "slo": slo.name},
            "annotations": _annotations(
                f"Too little of this holds: {slo.title} ({slo.objective:.1%} in 30 days). "
                "Bad at present: {{ $value | humanizePercentage }}.",
                slo.runbook,
            ),
        }


def _alert(alert: Alert) -> Rule:
    waited = {"for": f"{alert.minutes}m"} if alert.minutes else {}
    return {
        "alert": alert.name,
        "expr": alert.query,
        **waited,
        "labels": {"severity": alert.severity.value},
        "annotations": _annotations(alert.said, alert.runbook),
    }


def _annotations(summary: str, runbook: str) -> dict[str, str]:
    return {"summary": summary, "runbook": f"docs/runbooks/{runbook}.md"}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(as_yaml(), encoding="utf-8")
    Path(sys.argv[2]).write_text(as_manifest(), encoding="utf-8")
