"""Each service is built alike, and is in all the places where a service must be."""

import ast
from collections.abc import Callable, Mapping

import pytest
import yaml
from architecture.house import MEMBERS, ROOT, SERVICES, WORKSPACE, shown, tree
from headwater_kit.settings.ports import GRPC_PORTS, METRICS_PORTS

HOUSE = {"__init__", "__main__", "settings", "domain", "ports", "handlers", "rpc", "bootstrap"}
ROOMS = HOUSE | {"events", "adapters"}


def _package(service: str) -> bool:
    return (ROOT / "services" / service / "pyproject.toml").is_file()


def _contract(service: str) -> bool:
    return (ROOT / f"protos/headwater/{service}/v1/{service}.proto").is_file()


def _address(service: str) -> bool:
    return service in GRPC_PORTS and service in METRICS_PORTS


def _workspace(service: str) -> bool:
    (command,) = [member for member in MEMBERS if member.name == "headwater-cli"]
    name = f"headwater-{service}"
    return name in WORKSPACE["tool"]["uv"]["sources"] and name in command.dependencies


def _deployment(service: str) -> bool:
    base = yaml.safe_load((ROOT / "deploy/k8s/base/kustomization.yaml").read_text())
    skaffold = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    images = {artifact["image"] for artifact in skaffold["build"]["artifacts"]}
    return service in base["resources"] and f"headwater-{service}" in images


FIVE_PLACES: Mapping[str, Callable[[str], bool]] = {
    "its package, services/<name>/": _package,
    "its contract, protos/headwater/<name>/v1/<name>.proto": _contract,
    "its addresses, libs/headwater_kit/headwater_kit/settings/ports.py": _address,
    "the workspace: sources in pyproject.toml, dependencies in libs/headwater_cli/pyproject.toml": _workspace,
    "its deployment: deploy/k8s/base/<name>/ in kustomization.yaml, image in skaffold.yaml": _deployment,
}
KNOWN_ANYWHERE = sorted({*SERVICES, *GRPC_PORTS})


@pytest.mark.parametrize("service", KNOWN_ANYWHERE)
def test_a_service_is_in_all_five_places(service: str) -> None:
    assert [place for place, holds in FIVE_PLACES.items() if not holds(service)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_rooms_of_the_house_and_no_other(service: str) -> None:
    package = ROOT / f"services/{service}/headwater_{service}"
    rooms = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert HOUSE - rooms == set(), "missing"
    assert rooms - ROOMS == set(), "not a room of the house"
    assert (package / "py.typed").is_file()
    assert (ROOT / f"services/{service}/README.md").is_file()


@pytest.mark.parametrize("service", SERVICES)
def test_entrypoints_are_thin(service: str) -> None:
    package = ROOT / f"services/{service}/headwater_{service}"
    for path in (package / "rpc.py", package / "events.py"):
        if path.is_file():
            caught = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Try) and node.handlers]
            assert caught == [], f"{shown(path)} handles errors; the interceptors and the loop do that"
