"""Rules of style that a linter does not know."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from architecture.house import MEMBERS, ROOT, Member, imported, modules, shown, tracked, tree, uses
from packaging.requirements import Requirement

# Longer files need a reason, which stands here.
LONG_FILES = {
    "libs/headwater_kit/headwater_kit/testing/bus_contract.py": "one suite for one port",
}
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
# Names that say nothing about what is inside.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "shared"}
# Where the process meets its environment.
EDGES = ("libs/headwater_kit/headwater_kit/settings/", "libs/headwater_cli/headwater_cli/settings.py")
# Where time and chance come from; everything else is handed a clock and a generator.
CLOCKS = (
    "libs/headwater_kit/headwater_kit/core/clock.py",
    "libs/headwater_kit/headwater_kit/core/deadline.py",
    "libs/headwater_cli/",
    "libs/headwater_inference/headwater_inference/download.py",  # waits for another process
    "libs/headwater_inference/headwater_inference/web.py",  # waits for a server
    "libs/headwater_kit/headwater_kit/testing/",  # waits for real brokers
)
# time.perf_counter is left out: it measures, and decides nothing.
WALL_TIME = ("time.time", "time.monotonic", "datetime.now", "datetime.utcnow")
CHANCE = ("random.random", "random.uniform", "random.choice", "random.shuffle", "random.randint", "random.sample")
# Unit tests that wait for something this process cannot hasten.
WAITING_TESTS = {
    "tests/unit/libs/headwater_cli/test_supervisor.py": "real processes come and go",
    "tests/unit/libs/headwater_kit/rpc/test_limits.py": "gRPC's limits of a connection go by its own clock",
    "tests/unit/libs/headwater_kit/rpc/test_server.py": "gRPC's own threads have their say between two turns",
}
# Generated, or a text of its own right.
FOREIGN = ("libs/headwater_protos/headwater/", "LICENSE")
# A pattern may not match the line that declares it, so each is written in two parts.
MACHINE = re.compile(
    "|".join(
        (
            r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+|Us" + r"ers/\w+)/",
            r"(?:pyp" + r"i\.org|pythonhost" + r"ed\.org|maven\.org/maven2|registry\.npmjs\.org)",
            r"--(?:extra-)?index-u" + r"rl\s+\S*://",
        )
    )
)


@pytest.mark.parametrize("path", [*modules(), *tracked("bench/*.py")], ids=shown)
def test_a_file_has_one_subject_that_fits_it(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= MAX_FILE_LINES or shown(path) in LONG_FILES
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert long == []


def test_every_module_is_named_for_its_noun() -> None:
    named = [shown(path) for path in modules() if EMPTY_NAMES & {path.stem, path.parent.name}]
    assert named == []


def test_the_environment_is_read_at_the_edge_alone() -> None:
    inner = [path for path in modules() if not shown(path).startswith(EDGES)]
    assert [place for path in inner for place in uses(path, "os.environ", "os.getenv")] == []


def test_time_and_chance_are_injected() -> None:
    inner = [path for path in modules() if not shown(path).startswith(CLOCKS)]
    assert [place for path in inner for place in uses(path, *WALL_TIME, *CHANCE)] == []


def test_unit_tests_do_not_sleep() -> None:
    # asyncio.sleep(0) gives way to other tasks and is not a wait.
    waits = [
        f"{shown(path)}:{node.lineno}"
        for path in tracked("tests/unit/*.py")
        if shown(path) not in WAITING_TESTS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep"}
        and ast.unparse(node.args[0]) != "0"
    ]
    assert waits == []


def test_tests_use_the_shipped_adapters_not_mocks() -> None:
    files = [*modules(), *tracked("tests/*.py")]
    assert [shown(path) for path in files if any("mock" in name.split(".") for name in imported(path))] == []


def test_nothing_names_a_machine_or_an_index() -> None:
    found = []
    for path in tracked():
        if shown(path).startswith(FOREIGN):
            continue
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{shown(path)}:{number}" for number, line in enumerate(lines, 1) if MACHINE.search(line)]
    assert found == []


def test_the_lock_holds_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements/lock.txt").read_text()
    pins = re.findall(r"^[a-z0-9][^\s=]*==\S+.*\\\n    --hash=", lock, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", lock, re.MULTILINE))
    assert "://" not in lock


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_the_lock_has_what_a_member_asks_for(member: Member) -> None:
    lock = (ROOT / "requirements/lock.txt").read_text()
    locked = dict(re.findall(r"^([a-z0-9][^\s=]*)==([^\s;]+)", lock, re.MULTILINE))
    wanted = [Requirement(each) for each in member.dependencies if not each.startswith("headwater-")]
    unmet = [str(each) for each in wanted if not each.specifier.contains(locked.get(each.name, "0"), prereleases=True)]
    assert unmet == [], "run `make lock`"


def test_no_lock_but_the_one() -> None:
    assert [shown(path) for path in tracked("uv.lock", "*/uv.lock", "poetry.lock", "Pipfile.lock")] == []


@pytest.mark.parametrize("package", [member.package for member in MEMBERS if member.package != "headwater"])
def test_what_a_package_exports_is_there_and_says_what_it_is(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__doc__
    for name in getattr(module, "__all__", ()):
        exported = getattr(module, name)
        assert not callable(exported) or exported.__doc__, f"{package}.{name} has no docstring"


def test_the_sdk_says_what_is_public() -> None:
    assert importlib.import_module("headwater_client").__all__
