"""What holds deploy/ fails where a tool of it did not look."""

import os
import subprocess
from pathlib import Path

import pytest
from architecture.house import ROOT

# Tools as they answer where all is well.
WELL = {
    "kubectl": "echo kind: Pod",
    "hadolint": "true",
    "checkov": "echo 'Passed checks: 9, Failed checks: 0, Skipped checks: 0'",
    "kube-score": "echo '[OK] v1/Pod one'",
    "kubeconform": "echo 'Summary: 9 resources found'",
}


def gate(folder: Path, **tools: str) -> subprocess.CompletedProcess[str]:
    built = folder / "headwater/deploy-tools"
    built.mkdir(parents=True)
    for name, script in (WELL | {name.replace("_", "-"): script for name, script in tools.items()}).items():
        (built / name).write_text(f"#!/bin/sh\n{script}\n")
        (built / name).chmod(0o755)
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    return subprocess.run([ROOT / "deploy/check/gate"], env=environment, capture_output=True, text=True, check=False)


def test_where_all_is_well_it_passes(tmp_path: Path) -> None:
    done = gate(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed, 0 critical" in done.stdout


@pytest.mark.parametrize(
    ("tool", "script"),
    [
        ("kube_score", "exit 2"),
        ("kube_score", "true"),
        ("kube_score", "echo '[OK] v1/Pod one'; echo '[CRITICAL] v1/Pod one'; exit 1"),
        ("kube_score", 'case "$*" in *prod*) exit 2;; *) echo "[OK] v1/Pod one";; esac'),
        ("checkov", "exit 2"),
        ("checkov", "true"),
        ("checkov", "echo 'Passed checks: 0, Failed checks: 0, Skipped checks: 0'"),
    ],
)
def test_a_tool_that_did_not_look_is_no_pass(tmp_path: Path, tool: str, script: str) -> None:
    done = gate(tmp_path, **{tool: script})
    assert done.returncode == 1, done.stdout
    assert f"{tool.replace('_', '-'):12} FAILED" in done.stdout
