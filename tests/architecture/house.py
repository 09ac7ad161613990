"""Where things stand in this repository, for the tests that keep its rules."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORKSPACE: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the workspace: its folder, its project name, the package it installs, and what it asks for.

    Of what its extras ask for, only what the lock names is installed by `make setup`.
    """

    folder: Path
    name: str
    package: str
    dependencies: tuple[str, ...]
    extras: tuple[str, ...]


def _member(folder: Path) -> Member:
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    (package,) = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    extras = project["project"].get("optional-dependencies", {}).values()
    return Member(
        folder,
        project["project"]["name"],
        package,
        tuple(project["project"].get("dependencies", ())),
        tuple(dependency for extra in extras for dependency in extra),
    )


MEMBERS = tuple(_member(path.parent) for path in sorted(ROOT.glob("*/*/pyproject.toml")))
SERVICES = tuple(member.folder.name for member in MEMBERS if member.folder.parent.name == "services")


def tracked(*patterns: str) -> list[Path]:
    """Files that git knows or would take, in the working tree; an image or archive without git has none."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules() -> list[Path]:
    """The Python files of all members, without generated code."""
    return [path for path in tracked("libs/*.py", "services/*.py") if "libs/headwater_protos/" not in shown(path)]


def shown(path: Path) -> str:
    """The path as a person would name it."""
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    """The file's syntax."""
    return ast.parse(path.read_text(), filename=str(path))


def imported(path: Path) -> Iterator[str]:
    """Full names of what a file imports."""
    for node in ast.walk(tree(path)):
        yield from imports(node)


def imports(node: ast.AST) -> Iterator[str]:
    """Full names of what a statement imports; none where it is another."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def uses(path: Path, *names: str) -> list[str]:
    """Places, as file:line, where dotted names such as `os.environ` are used."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if f"{node.value.id}.{node.attr}" in names:
                found.append(f"{shown(path)}:{node.lineno} {node.value.id}.{node.attr}")
        elif isinstance(node, ast.ImportFrom):
            found += [
                f"{shown(path)}:{node.lineno} {node.module}.{alias.name}"
                for alias in node.names
                if f"{node.module}.{alias.name}" in names
            ]
    return found
