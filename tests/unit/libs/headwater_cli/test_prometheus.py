"""Prometheus beside the platform: told whom to read, or its lack said."""

import subprocess
from pathlib import Path

import pytest
import yaml
from headwater_cli.platform import prometheus
from headwater_cli.platform.layout import Layout, tools_dir
from headwater_cli.platform.ports import PortLeases
from headwater_kit.core.errors import Unavailable
from headwater_observability import rules

TARGETS = {"embed": "127.0.0.1:7502", "index": "127.0.0.1:7503"}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_it_is_told_whom_to_read_and_by_which_rules(layout: Layout) -> None:
    configuration = yaml.safe_load(prometheus.write(layout, TARGETS).read_text())
    (job,) = configuration["scrape_configs"]
    assert job["job_name"] == "headwater"
    assert {each["labels"]["service"]: each["targets"] for each in job["static_configs"]} == {
        name: [address] for name, address in TARGETS.items()
    }
    (rule_file,) = configuration["rule_files"]
    assert yaml.safe_load((layout.data("prometheus") / rule_file).read_text()) == rules.rules()


def test_it_keeps_to_the_loopback_and_to_the_platforms_folder(layout: Layout, tmp_path: Path) -> None:
    leases = PortLeases(tmp_path / "ports")
    found = prometheus.program("/opt/prometheus", layout, leases, TARGETS)
    leases.release()
    assert f"--web.listen-address={found.address}" in found.argv
    assert found.address.startswith("127.0.0.1:")
    assert f"--storage.tsdb.path={layout.data('prometheus') / 'data'}" in found.argv


def test_its_lack_is_said_with_what_to_do(layout: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(prometheus, "tools_dir", lambda: tmp_path)
    assert prometheus.find() is None
    assert "make tools" in prometheus.advice(layout)
    assert str(layout.data("prometheus")) in prometheus.advice(layout)
    tool = tmp_path / "prometheus"
    tool.touch(mode=0o755)
    assert prometheus.find() == str(tool)


async def test_it_is_not_ready_before_it_answers(layout: Layout, tmp_path: Path) -> None:
    leases = PortLeases(tmp_path / "ports")
    found = prometheus.program("/opt/prometheus", layout, leases, TARGETS)
    leases.release()
    with pytest.raises(Unavailable):
        await found.ready()


@pytest.mark.skipif(not (tools_dir() / "promtool").exists(), reason="promtool is not there: `make tools` builds it")
def test_prometheus_own_tool_takes_the_configuration(layout: Layout) -> None:
    done = subprocess.run(
        [tools_dir() / "promtool", "check", "config", prometheus.write(layout, TARGETS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
