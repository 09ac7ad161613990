"""What a member imports, it or a member that it stands on asks for: an image holds only what was asked for."""

import re
import sys
from collections.abc import Iterable
from importlib import metadata

import pytest
from architecture.house import MEMBERS, Member, imported, imports, modules, tree

# Import names by the distribution that installs them; `google` and `grpc` are shared by several.
OWNERS = metadata.packages_distributions() | {member.package: [member.name] for member in MEMBERS}
# Optional by design, guarded where imported.
OPTIONAL = {"pytest"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(dependencies: Iterable[str]) -> set[str]:
    return {canonical(re.split(r"[^A-Za-z0-9._-]", dependency)[0]) for dependency in dependencies}


ASKED_FOR = {member.name: _names(member.dependencies) for member in MEMBERS}


def within_reach(member: Member) -> set[str]:
    """What the member asks for, and the members under it."""
    found = {member.name}
    while more := set().union(*(ASKED_FOR.get(name, ()) for name in found)) - found:
        found |= more
    return found


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_member_asks_for_what_it_imports(member: Member) -> None:
    files = [path for path in modules() if path.is_relative_to(member.folder) and "/testing/" not in path.as_posix()]
    roots = {name.split(".")[0] for path in files for name in imported(path)}
    foreign = roots - set(sys.stdlib_module_names) - OPTIONAL
    reach = within_reach(member) | _names(member.extras)
    # What an extra brings is not installed here, so its name is taken for its owner's.
    assert {root for root in foreign if not {canonical(owner) for owner in OWNERS.get(root, [root])} & reach} == set()


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_what_an_extra_brings_is_imported_on_use_alone(member: Member) -> None:
    files = [path for path in modules() if path.is_relative_to(member.folder)]
    first = {name.split(".")[0] for path in files for node in tree(path).body for name in imports(node)}
    assert {canonical(root) for root in first} & (_names(member.extras) - ASKED_FOR[member.name]) == set()
