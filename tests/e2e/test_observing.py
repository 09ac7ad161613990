"""What the services show of themselves while they work is what is declared, and `headwater top` makes sense of it."""

import json
import os
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from e2e.laptop import Laptop
from e2e.polling import until
from headwater_cli.platform import prometheus
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import running
from headwater_cli.platform.ports import PortLeases
from headwater_client import Client
from headwater_kit.settings.ports import GRPC_PORTS
from headwater_kit.telemetry import names
from headwater_kit.telemetry.exposition import METRICS, family, label, series
from headwater_observability.alerts import ALERTS
from headwater_observability.dashboards import BOARDS
from headwater_observability.dashboards.board import INTERVAL
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

TEXT = "The lighthouse of Skarholm has a red lantern."
QUESTION = "What colour is the lantern of Skarholm?"
DECLARED = {name: labels for metric in METRICS for name, labels in series(metric).items()}
# What one document, one search and one question bring about, wherever they pass.
EXPECTED = (
    names.SERVICE_SERVING, names.RPC_SERVER_DURATION, names.RPC_CLIENT_DURATION, names.BUS_DONE, names.BUS_LAG,
    names.BUS_LAG_AGE, names.BUS_AT_WORK, names.BUS_CAPACITY, names.BUS_PARTITIONS, names.BUS_HANDLE_DURATION,
    names.BUS_DELAY, names.INGEST_DOCUMENTS, names.INGEST_CUT_DURATION, names.INGEST_CUTTERS, names.INGEST_CUT_WAITING,
    names.EMBED_TEXTS, names.EMBED_TOKENS, names.EMBED_QUEUED, names.EMBED_WORKERS, names.EMBED_BATCH_DURATION,
    names.EMBED_BATCH_FILL, names.INDEX_DOCUMENTS, names.INDEX_SEARCHABLE_DELAY, names.VECTORS_WRITE_FILL,
    names.RETRIEVE_FRESHNESS, names.RETRIEVE_SEARCHES, names.GUARD_VERDICTS, names.GENERATE_ANSWERS,
)  # fmt: skip


@pytest.fixture(scope="module")
def busy(laptop: Laptop) -> Laptop:
    """The platform after a document, a search and a question."""
    with laptop.client("observed") as client:
        ask(client)
    return laptop


def ask(client: Client) -> None:
    written = client.upsert("lighthouse", TEXT)
    assert client.search(QUESTION, min_positions=[written], wait_ms=20_000).passages
    assert list(client.ask(QUESTION))


def shown(laptop: Laptop) -> Iterator[Sample]:
    for service in GRPC_PORTS:
        with urllib.request.urlopen(f"http://{laptop.entry(service)['metrics']}/metrics", timeout=10) as answer:
            for found in text_string_to_metric_families(answer.read().decode()):
                yield from found.samples


def test_all_that_is_shown_is_declared(busy: Laptop) -> None:
    own = [each for each in shown(busy) if each.name.startswith("headwater_")]
    assert {each.name for each in own} <= DECLARED.keys()
    assert {f"{each.name}: {name}" for each in own for name in each.labels.keys() - DECLARED[each.name]} == set()
    families = {name for metric in EXPECTED for name in series(metric)}
    assert families - {each.name for each in own} == set()


def test_every_group_shows_its_partitions_and_comes_to_have_no_lag(busy: Laptop) -> None:
    def behind() -> dict[str, float]:
        lags = [each for each in shown(busy) if each.name == family(names.BUS_LAG)]
        groups = {each.labels[label(names.BUS_GROUP)] for each in lags}
        assert {"ingest", "embed", "index", "generate", "feedback"} <= groups
        return {group: sum(e.value for e in lags if e.labels[label(names.BUS_GROUP)] == group) for group in groups}

    until(lambda: not any(behind().values()), 20.0)


def test_top_tells_of_services_and_stages(busy: Laptop) -> None:
    told = busy.json("top")
    assert {each["name"]: each["state"] for each in told["services"]} == dict.fromkeys(GRPC_PORTS, "serving")
    assert {each["group"] for each in told["stages"]} >= {"ingest", "embed", "index"}
    assert told["outcomes"]
    assert "serving" in busy("top").stdout


needs_prometheus = pytest.mark.skipif(
    prometheus.find() is None, reason="prometheus is not there: `make tools` builds it"
)


@pytest.fixture(scope="module")
def observer(busy: Laptop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus that has read every service twice."""
    root = tmp_path_factory.mktemp("observer")
    leases, targets = PortLeases(), {service: str(busy.entry(service)["metrics"]) for service in GRPC_PORTS}
    program = prometheus.program(str(prometheus.find()), Layout(root), leases, targets)
    with running(program, dict(os.environ)) as address:
        until(
            lambda: len(asked(address, "min_over_time(up[1m]) == 1 and count_over_time(up[1m]) >= 2")) == len(targets)
        )
        yield address
    leases.release()


def asked(address: str, query: str) -> list[dict[str, object]]:
    """What Prometheus answers."""
    words = urllib.parse.urlencode({"query": query.replace(INTERVAL, "1m")})
    with urllib.request.urlopen(f"http://{address}/api/v1/query?{words}", timeout=10) as answer:
        return list(json.load(answer)["data"]["result"])


@needs_prometheus
def test_a_real_prometheus_answers_every_panel_and_takes_every_rule(observer: str) -> None:
    found = {
        panel.title: asked(observer, query.promql)
        for board in BOARDS
        for panel in board.panels
        for query in panel.queries
    }
    for title in ("Serving", "Lag", "Freshness", "Calls", "Done", "Utilisation", "Texts", "Fill of writes", "Versions"):
        assert found[title], title
    with urllib.request.urlopen(f"http://{observer}/api/v1/rules", timeout=10) as answer:
        rules = [rule for group in json.load(answer)["data"]["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} >= {alert.name for alert in ALERTS}
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


@needs_prometheus
def test_a_platform_at_rest_raises_no_alarm(observer: str) -> None:
    assert asked(observer, 'ALERTS{alertstate="firing"}') == []
