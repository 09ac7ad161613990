"""Who may import whom: the contracts stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

from architecture.house import MEMBERS, ROOT, SERVICES, WORKSPACE

LINTER = WORKSPACE["tool"]["importlinter"]


def contract(identity: str) -> dict[str, list[str]]:
    (found,) = [each for each in LINTER["contracts"] if each["id"] == identity]
    return found


def test_no_import_goes_against_the_layers() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_member_is_in_the_house() -> None:
    packages = {member.package for member in MEMBERS}
    layers = {word.strip() for layer in contract("house")["layers"] for word in layer.split("|")}
    assert set(LINTER["root_packages"]) == packages
    assert layers == packages


def test_every_service_is_held_to_the_rules_of_services() -> None:
    packages = {f"headwater_{service}" for service in SERVICES}
    assert set(contract("service")["containers"]) == packages
    assert set(contract("command")["forbidden_modules"]) == packages
    assert set(contract("torch")["source_modules"]) == packages | {"headwater_cli"}


def test_every_member_is_found_by_the_lock() -> None:
    assert set(WORKSPACE["tool"]["uv"]["sources"]) == {member.name for member in MEMBERS}
