"""Writes the settings table of a service into its README.

`python -m headwater_kit.settings.docs [--check] services/embed/README.md …`
The table stands between the two marker lines; `--check` writes nothing and
exits 1 where a README differs.
"""

import argparse
import importlib
import sys
from pathlib import Path

from pydantic import BaseModel

from headwater_kit.settings.table import as_markdown

BEGIN = "<!-- settings -->"
END = "<!-- /settings -->"


def settings_of(service: str) -> type[BaseModel]:
    """The settings class of a service: `headwater_<service>.settings:Settings`."""
    kind: type[BaseModel] = importlib.import_module(f"headwater_{service}.settings").Settings
    return kind


def with_table(text: str, table: str) -> str:
    """The README with the table between its markers. Raises ValueError without them."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"put {BEGIN} and {END} on lines of their own where the table goes")
    return f"{head}{BEGIN}\n{table}\n{END}{tail}"


def main(arguments: list[str]) -> int:
    """Writes or checks; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m headwater_kit.settings.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a README is not current")
    parser.add_argument("readme", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    stale = [path for path in options.readme if not _refresh(path, write=not options.check)]
    for path in stale if options.check else ():
        sys.stderr.write(f"{path}: the settings table is not current: run `python -m headwater_kit.settings.docs`\n")
    return 1 if stale and options.check else 0


def _refresh(path: Path, *, write: bool) -> bool:
    """True if the README was current."""
    text = path.read_text(encoding="utf-8")
    fresh = with_table(text, as_markdown(settings_of(path.resolve().parent.name)))
    if write and fresh != text:
        path.write_text(fresh, encoding="utf-8")
    return fresh == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
