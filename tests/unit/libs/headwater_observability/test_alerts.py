"""Each alert fires when it should and at no other time, as Prometheus itself sees it."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from headwater_cli.platform.layout import tools_dir
from headwater_observability import rules
from headwater_observability.alerts import ALERTS
from headwater_observability.slos import SLOS, Slo
from unit.libs.headwater_observability.alert_cases import BURN_CHECKS, BURNS, CASES, Case

ROOT = Path(__file__).parents[4]
SEVERITIES = {alert.name: alert.severity for alert in ALERTS}


def promtool() -> str:
    """Prometheus' own tool: on the path, or where `make tools` puts it."""
    return shutil.which("promtool") or shutil.which("promtool", path=tools_dir()) or ""


needs_promtool = pytest.mark.skipif(not promtool(), reason="promtool is not there: `make tools` builds it, with Go")


def check(*arguments: str | Path) -> None:
    done = subprocess.run([promtool(), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    assert CASES.keys() == {alert.name for alert in ALERTS}
    assert BURNS.keys() == {slo.name for slo in SLOS}


@needs_promtool
def test_the_rules_are_sound() -> None:
    check("check", "rules", "--lint=all", "--lint-fatal", ROOT / "deploy/observability/rules.yaml")


@needs_promtool
def test_alerts_fire_stay_silent_and_end(tmp_path: Path) -> None:
    suites = [*map(of_case, CASES, CASES.values()), *map(of_slo, SLOS)]
    check("test", "rules", *(write(tmp_path, suite) for suite in suites))


def of_case(name: str, case: Case) -> dict[str, Any]:
    firing = [{"exp_labels": {**case.labels, "severity": SEVERITIES[name].value}}]
    looks = {case.silent: [], case.fires: firing, case.reset: []}
    return suite_of(name, case.series, looks, step=case.step, evaluated=case.step)


def of_slo(slo: Slo) -> dict[str, Any]:
    looks = {
        minute: [{"exp_labels": {"slo": slo.name, "severity": severity.value}} for severity in severities]
        for minute, severities in BURN_CHECKS.items()
    }
    # Every minute's would take ten seconds and tell no more.
    return suite_of(slo.alert, BURNS[slo.name], looks, step=1, evaluated=5)


def suite_of(
    alert: str, series: Mapping[str, str], looks: Mapping[int, Any], *, step: int, evaluated: int
) -> dict[str, Any]:
    """A file of promtool's, of one alert."""
    test = {
        "name": alert,
        "interval": f"{step}m",
        "input_series": [{"series": selector, "values": values} for selector, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": expected}
            for minute, expected in looks.items()
        ],
    }
    return {"rule_files": [f"{alert}.rules.yaml"], "evaluation_interval": f"{evaluated}m", "tests": [test]}


def write(folder: Path, suite: dict[str, Any]) -> Path:
    """The file, beside one of the rules that it is about."""
    (name,) = (test["name"] for test in suite["tests"])
    (folder / f"{name}.rules.yaml").write_text(yaml.safe_dump(about(name)))
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(suite, width=1000))
    return folder / f"{name}.yaml"


def about(alert: str) -> dict[str, Any]:
    """An alert and what is recorded for it, without what it says: what counts here is when it says it."""
    groups = (group["rules"] for group in rules.rules()["groups"])
    (found,) = (group for group in groups if any(rule.get("alert") == alert for rule in group))
    wanted = (rule for rule in found if rule.get("alert", alert) == alert)
    bare = [{key: value for key, value in rule.items() if key != "annotations"} for rule in wanted]
    return {"groups": [{"name": alert, "rules": bare}]}
