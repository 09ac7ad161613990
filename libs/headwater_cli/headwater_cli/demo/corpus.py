"""Documents that every machine with Python has: the language reference and the library's own help."""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pydoc_data.topics import topics
from types import ModuleType

from headwater_kit.core.documents import DocumentInfo

# Modules whose help is prose enough to be asked about.
MODULES = (
    *("argparse", "asyncio", "base64", "bisect", "calendar", "collections", "configparser", "contextlib", "copy"),
    *("csv", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "glob", "hashlib"),
    *("heapq", "html", "inspect", "io", "itertools", "json", "logging", "math", "operator", "os", "pathlib"),
    *("pickle", "queue", "random", "re", "secrets", "shlex", "shutil", "smtplib", "socket", "sqlite3", "statistics"),
    *("string", "struct", "subprocess", "tarfile", "tempfile", "textwrap", "threading", "timeit", "traceback"),
    *("unittest", "urllib.parse", "uuid", "warnings", "weakref", "zipfile"),
)
# Underlines of reST headings, from the outermost level in; a fixed order serves the reference as it is.
_LEVELS = {"*": 1, "=": 2, "-": 3, "~": 4, '"': 4, "^": 4}
_HEADING = re.compile(r"^(?P<title>\S.*)\n(?P<line>([*=\-~\"^])\3{2,})$", re.MULTILINE)
_MIN_DOC_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document in Markdown."""

    document_id: str
    text: str
    info: DocumentInfo


def documents() -> Iterator[CorpusDocument]:
    """The corpus: one document a topic of the language reference and one a module."""
    for name, text in sorted(topics.items()):
        yield _document(f"python/reference/{name}", _markdown(text), "reference")
    for name in MODULES:
        yield _document(f"python/library/{name}", _help(importlib.import_module(name)), "library")


def _document(document_id: str, text: str, part: str) -> CorpusDocument:
    info = DocumentInfo(source_uri=f"pydoc:{document_id}", media_type="text/markdown", metadata={"part": part})
    return CorpusDocument(document_id, text, info)


def _markdown(text: str) -> str:
    return _HEADING.sub(lambda match: f"{'#' * _LEVELS[match['line'][0]]} {match['title']}", text)


def _help(module: ModuleType) -> str:
    sections = [f"# The {module.__name__} module", inspect.getdoc(module) or ""]
    for name in sorted(getattr(module, "__all__", None) or vars(module)):
        value = getattr(module, name, None)
        if not name.startswith("_") and (inspect.isroutine(value) or inspect.isclass(value)):
            sections += _entry(f"{module.__name__}.{name}", value)
    return "\n\n".join(section for section in sections if section)


def _entry(name: str, value: object) -> list[str]:
    doc = inspect.getdoc(value) or ""
    return [f"## {name}", doc] if len(doc) >= _MIN_DOC_CHARACTERS else []
