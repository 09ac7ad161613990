"""Writes the table of who may call what into its page.

`python -m headwater_kit.rpc.docs docs/access.md`
The table stands between the two marker lines.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from headwater_kit.core.pages import put_between
from headwater_kit.core.roles import Role, may
from headwater_kit.rpc.policies import Policies, policies_of
from headwater_kit.settings.ports import GRPC_PORTS

BEGIN = "<!-- policies -->"
END = "<!-- /policies -->"


def contract() -> Policies:
    """The policies of all services."""
    files = [import_module(f"headwater.{name}.v1.{name}_pb2").DESCRIPTOR for name in GRPC_PORTS]
    return policies_of([service.full_name for file in files for service in file.services_by_name.values()])


def as_markdown() -> str:
    """A line a method, a column a role."""
    return "\n".join(_lines(contract()))


def _lines(policies: Policies) -> Iterator[str]:
    yield f"| method | {' | '.join(Role)} |"
    yield "|---|" + "---|" * len(Role)
    for method, allowed in policies.items():
        marks = ["yes" if may(frozenset({role}), allowed) else "" for role in Role]
        yield f"| `{method.removeprefix('headwater.')}` | {' | '.join(marks)} |"


def write(page: Path) -> None:
    """Puts the table into the page. Raises ValueError if it has no markers."""
    put_between(page, BEGIN, END, as_markdown())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
