"""Schemas that kubeconform reads without a network.

`schemas.py kubernetes FOLDER 1.35`, `schemas.py crds FOLDER SOURCE`
Those of Kubernetes come with the package kubernetes-validate, those of
operators from their own resource definitions, YAML files in or below SOURCE.
"""

import json
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

# A default that is "=" is a text like others.
yaml.SafeLoader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)
STRICT = {"local": "", "local-strict": "-strict"}


def of_kubernetes(folder: Path, minor: str) -> int:
    """Copies the schemas of a version, each reference made relative; how many."""
    count = 0
    for kind, suffix in STRICT.items():
        out = folder / f"v{minor}.0{suffix}"
        out.mkdir(parents=True, exist_ok=True)
        for file in (
            resources.files("kubernetes_validate").joinpath(f"kubernetes-json-schema/v{minor}.0-{kind}").iterdir()
        ):
            if file.name.endswith(".json"):
                (out / file.name).write_text(json.dumps(_relative(json.loads(file.read_text()))))
                count += 1
    return count


def of_definitions(folder: Path, source: Path) -> int:
    """Writes the schema of each version of each definition; how many."""
    count = 0
    for file in sorted(source.rglob("*.yaml")) if source.is_dir() else [source]:
        for group, kind, version, schema in _versions(file):
            (folder / group).mkdir(parents=True, exist_ok=True)
            (folder / group / f"{kind.lower()}_{version}.json").write_text(json.dumps(_closed(schema)))
            count += 1
    return count


def _versions(file: Path) -> Iterator[tuple[str, str, str, Any]]:
    for each in yaml.safe_load_all(file.read_text()):
        if isinstance(each, dict) and each.get("kind") == "CustomResourceDefinition":
            spec = each["spec"]
            for version in spec["versions"]:
                yield spec["group"], spec["names"]["kind"], version["name"], version["schema"]["openAPIV3Schema"]


def _closed(schema: Any, *, is_root: bool = True) -> Any:
    """The same, where no field may be given that it does not name: what a cluster would drop in silence."""
    if isinstance(schema, list):
        return [_closed(each, is_root=False) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _closed(value, is_root=False) for key, value in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if is_object and not is_root and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def _relative(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_relative(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _relative(value) if key != "$ref" else _reference(value) for key, value in schema.items() if key != "$id"
    }


def _reference(value: Any) -> Any:
    # Of a schema of schemas it is a field among others.
    return value.replace("/api/_definitions.json", "_definitions.json") if isinstance(value, str) else _relative(value)


if __name__ == "__main__":
    what, folder, source = sys.argv[1:]
    made = of_kubernetes(Path(folder), source) if what == "kubernetes" else of_definitions(Path(folder), Path(source))
    if not made:
        sys.exit(f"no schemas in {source}")
    sys.stdout.write(f"{made} schemas of {source}\n")
