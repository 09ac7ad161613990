"""Whatever a rule or a panel asks for is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from headwater_kit.telemetry.exposition import METRICS, series
from headwater_observability import rules
from headwater_observability.alerts import ALERTS
from headwater_observability.dashboards import BOARDS
from headwater_observability.dashboards.board import INTERVAL, Board
from headwater_observability.promql import SCRAPED, promql
from headwater_observability.scraping import JOB
from headwater_observability.slos import SLOS

ROOT = Path(__file__).parents[4]
RULES = [rule for group in rules.rules()["groups"] for rule in group["rules"]]
RECORDED = {rule["record"]: frozenset(rule["labels"]) for rule in RULES if "record" in rule}
KNOWN = {name: labels for metric in METRICS for name, labels in series(metric).items()} | RECORDED
KNOWN |= {
    "up": frozenset(),
    "ALERTS": frozenset({"alertstate"}),
    "target_info": frozenset({"service_name", "service_version"}),
}


def unknown(query: str) -> list[str]:
    """What the query asks for and nothing shows. Raises ValueError for what is no query."""
    parsed = promql_parser.parse(query.replace(INTERVAL, "5m"))
    return [f"{name}{{{label}}}" for name, label in asked(parsed) if not is_known(name, label)]


def is_known(name: str, label: str) -> bool:
    return name in KNOWN and (not label or label in KNOWN[name] or label in SCRAPED)


def asked(query: promql_parser.Expr) -> Iterator[tuple[str, str]]:
    """The series and labels that a query names; labels that it groups by go with all series beneath."""
    selectors = [each for each in nodes(query) if isinstance(each, promql_parser.VectorSelector)]
    for selector in selectors:
        yield selector.name or "", ""
        yield from ((selector.name or "", matcher.name) for matcher in selector.matchers.matchers)
    for each in nodes(query):
        if isinstance(each, promql_parser.AggregateExpr) and each.modifier is not None:
            below = [node.name or "" for node in nodes(each) if isinstance(node, promql_parser.VectorSelector)]
            yield from ((name, label) for name in below for label in each.modifier.labels)


def nodes(expr: promql_parser.Expr) -> Iterator[promql_parser.Expr]:
    yield expr
    for part in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
        inner = getattr(expr, part, None)
        if isinstance(inner, promql_parser.Expr):
            yield from nodes(inner)
    for argument in getattr(expr, "args", ()):
        yield from nodes(argument)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert", "") or f"{rule['record']} {rule['labels']}")
def test_a_rule_asks_for_what_there_is(rule: dict[str, str]) -> None:
    assert unknown(rule["expr"]) == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_panel_asks_for_what_there_is(board: Board) -> None:
    queries = [query for panel in board.panels for query in panel.queries]
    assert [missing for query in queries for missing in unknown(query.promql)] == []
    for query in queries:
        for label in re.findall(r"{{(\w+)}}", query.name):
            assert label in query.promql, query


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("rate(headwater_bus_done_totl[5m])", ["headwater_bus_done_totl{}"]),
        ('headwater_bus_lag{topic="x"}', ["headwater_bus_lag{topic}"]),
        ("sum by (lane) (headwater_bus_lag)", ["headwater_bus_lag{lane}"]),
        ("max(deriv(sum by (service, job) (headwater_bus_lag)[1h:5m]))", []),
    ],
)
def test_what_is_not_there_is_found_out(query: str, missing: list[str]) -> None:
    assert unknown(query) == missing


def test_what_is_no_query_is_refused() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        unknown("sum by (")
    with pytest.raises(ValueError, match="BUS_LAGG"):
        promql("sum($BUS_LAGG)")


def test_the_file_of_rules_is_current() -> None:
    assert (ROOT / "deploy/observability/rules.yaml").read_text() == rules.as_yaml(), "run `make observability`"
    wrapped = ROOT / "deploy/k8s/components/observability/rules.yaml"
    assert wrapped.read_text() == rules.as_manifest(), "run `make observability`"
    assert yaml.safe_load(rules.as_yaml()) == rules.rules()


def test_a_summary_names_labels_that_its_alert_has() -> None:
    for alert in ALERTS:
        kept = promql_parser.parse(alert.query).prettify()
        for label in re.findall(r"\$labels\.(\w+)", alert.said):
            assert label in SCRAPED or label in kept, f"{alert.name}: {label}"


def test_objectives_leave_a_budget() -> None:
    assert all(0.0 < slo.budget < 0.1 for slo in SLOS)


def queries_of_manifests(value: Any) -> Iterator[str]:
    """What stands under `query`, at any depth: of analyses and of scaling."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key == "query":
            yield inner
        else:
            yield from queries_of_manifests(inner)


@pytest.mark.parametrize("file", ["rollouts/analysis.yaml", "autoscaling/scaledobjects.yaml"])
def test_a_manifest_asks_for_what_there_is(file: str) -> None:
    resources = yaml.safe_load_all((ROOT / "deploy/k8s/components" / file).read_text())
    queries = list(queries_of_manifests(list(resources)))
    assert queries
    assert [missing for query in queries for missing in unknown(query.replace("{{args.service}}", "X"))] == []


def test_pods_are_read_with_the_labels_that_queries_go_by() -> None:
    monitor = yaml.safe_load((ROOT / "deploy/k8s/components/observability/podmonitor.yaml").read_text())
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    made = {each["targetLabel"]: each for each in endpoint.get("relabelings", ())}
    assert set(made) | {"instance"} == set(SCRAPED)  # Prometheus itself adds the instance
    assert made["job"]["replacement"] == JOB
    assert made["service"]["sourceLabels"] == ["__meta_kubernetes_pod_label_app_kubernetes_io_name"]
