"""Prints the part of the lock that one service needs, hashes included; with --members, the members it is made of.

`python deploy/docker/requirements_of.py [--members] SERVICE`, from the root of
the repository. Nothing is resolved: the lock itself says, in its comments, what
each package is there for. Standard library only.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LOCK = Path("requirements/lock.txt")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of the lock: its lines, and the names of what asked for it."""

    lines: tuple[str, ...]
    wanted_by: frozenset[str]


def pins(lock: str) -> dict[str, Pin]:
    """The lock by package name."""
    # After an empty line come remarks that belong to no package.
    blocks = re.split(r"\n(?=[a-z0-9])", lock.strip().partition("\n\n")[0])
    return {_name(block): _pin(block) for block in blocks}


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _pin(block: str) -> Pin:
    lines = block.splitlines()
    comments = (line.strip().removeprefix("#").strip().removeprefix("via").strip() for line in lines if "#" in line)
    return Pin(
        tuple(line for line in lines if not line.lstrip().startswith("#")),
        frozenset(comment.split()[0] for comment in comments if comment and not comment.startswith("-")),
    )


def members(service: str, root: Path = Path()) -> dict[str, Path]:
    """The folders of the members that a service is made of, by project name."""
    workspace = {}
    for path in sorted(root.glob("*/*/pyproject.toml")):
        workspace[tomllib.loads(path.read_text())["project"]["name"]] = path
    found: dict[str, Path] = {}
    waiting = [f"headwater-{service}"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = workspace[name].parent
            waiting += [each for each in _asked_for(workspace[name]) if each in workspace]
    return found


def _asked_for(pyproject: Path) -> Iterator[str]:
    for dependency in tomllib.loads(pyproject.read_text())["project"].get("dependencies", ()):
        yield _name(dependency)


def needed(roots: set[str], lock: Mapping[str, Pin]) -> dict[str, Pin]:
    """The packages that these members ask for, and all that those ask for in turn."""
    wanting = set(roots)
    while more := {name for name, pin in lock.items() if name not in wanting and pin.wanted_by & wanting}:
        wanting |= more
    return {name: pin for name, pin in lock.items() if name in wanting}


def main(arguments: list[str]) -> None:
    """Prints to stdout."""
    made_of = members(arguments[-1])
    if "--members" in arguments:
        lines = [str(folder) for folder in made_of.values()]
    else:
        lines = [line for pin in needed(set(made_of), pins(LOCK.read_text())).values() for line in pin.lines]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
