"""Renders deploy/k8s as `kubectl apply -k` does, and reads what it is made from."""

import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# Of the locked dependencies, so that nobody's own version decides.
KUBECTL = Path(sys.executable).with_name("kubectl")
Resource = dict[str, Any]


@cache
def render(folder: Path) -> list[Resource]:
    """The resources of a kustomization; they are shared, so leave them as they are."""
    built = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


def of_kind(resources: list[Resource], *kinds: str) -> dict[str, Resource]:
    """Those of some kinds, by name."""
    return {each["metadata"]["name"]: each for each in resources if each["kind"] in kinds}


def read(folder: Path) -> Mapping[str, Any]:
    """The kustomization.yaml of a folder."""
    kustomization: Mapping[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return kustomization


def environment(file: Path) -> dict[str, str]:
    """Variables of an env file."""
    lines = (line.strip() for line in file.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
