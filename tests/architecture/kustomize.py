"""Renders as much of kustomize as deploy/k8s uses, so that manifests are checked where no kustomize is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# What tells the items of a list apart when a patch is merged into it.
KEYS = ("mountPath", "containerPort", "name", "topologyKey")
Resource = dict[str, Any]


def render(folder: Path) -> list[Resource]:
    """The resources of a kustomization: those of its files and folders, with its components' patches merged in.

    Left out: labels, namespaces, generators, replica counts and JSON patches.
    """
    kustomization = read(folder)
    resources = [resource for entry in kustomization["resources"] for resource in _resources(folder / entry)]
    for component in kustomization.get("components", ()):
        resources = [_patched(resource, folder / component) for resource in resources]
    return resources


def read(folder: Path) -> Mapping[str, Any]:
    """The kustomization.yaml of a folder."""
    kustomization: Mapping[str, Any] = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return kustomization


def environment(file: Path) -> dict[str, str]:
    """Variables of an env file."""
    lines = (line.strip() for line in file.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _resources(entry: Path) -> list[Resource]:
    return render(entry) if entry.is_dir() else list(yaml.safe_load_all(entry.read_text()))


def _patched(resource: Resource, component: Path) -> Resource:
    for patch in read(component)["patches"]:
        if patch["target"]["kind"] == resource["kind"]:
            change = yaml.safe_load((component / patch["path"]).read_text())
            del change["metadata"]
            resource = merged(resource, change)
    return resource


def merged(old: Any, new: Any) -> Any:
    """A strategic merge: mappings by key, lists of named things by name, the rest replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: merged(old[key], value) if key in old else value for key, value in new.items()}
    if isinstance(old, list) and isinstance(new, list) and (key := _key(old + new)):
        items = {item[key]: item for item in old}
        items |= {item[key]: merged(items.get(item[key]), item) for item in new}
        return list(items.values())
    return new


def _key(items: list[Any]) -> str | None:
    return next((key for key in KEYS if all(isinstance(item, dict) and key in item for item in items)), None)
