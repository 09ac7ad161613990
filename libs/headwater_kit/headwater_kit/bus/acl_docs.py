"""Writes the table of rights on the broker into a page.

`python -m headwater_kit.bus.acl_docs docs/exposing.md`
The table stands between the two marker lines.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from headwater_kit.bus.acls import USERS, Operation, Rights
from headwater_kit.bus.topics import READER_GROUP, is_dead_letter
from headwater_kit.core.pages import put_between

BEGIN = "<!-- rights -->"
END = "<!-- /rights -->"


def as_markdown() -> str:
    """Every user as a row: groups joined, topics read, topics written, and topics or groups only asked about."""
    head = "| user | is in groups | reads | writes | only asks about |\n|---|---|---|---|---|\n"
    return head + "\n".join(_row(user, rights) for user, rights in USERS.items())


def _row(user: str, rights: Rights) -> str:
    read, written = rights.topics(Operation.READ), rights.topics(Operation.WRITE)
    asked = rights.topics(Operation.DESCRIBE) - read - written
    looked = rights.groups(Operation.DESCRIBE) - rights.groups(Operation.READ) - {READER_GROUP}
    # Whoever creates all topics asks about all.
    others = ["creates every topic"] if rights.creates else [_names(asked)]
    looks = f"groups {_names(looked)}" if looked else ""
    cells = (f"`{user}`", _names(rights.joins), _topics(read), _topics(written), _joined([*others, looks]))
    return f"| {' | '.join(cells)} |"


def _topics(names: frozenset[str]) -> str:
    letters = sorted(name for name in names if is_dead_letter(name))
    own = _names(names.difference(letters))
    return _joined([own, f"dead-letter topics: {len(letters)}" if letters else ""])


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(filter(None, parts))


def write(page: Path) -> None:
    """Puts the table into the page. Raises ValueError if it has no markers."""
    put_between(page, BEGIN, END, as_markdown())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
