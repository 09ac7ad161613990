"""Documents that every machine with Python has: the language reference and the library's own help."""

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pydoc_data.topics import topics
from types import ModuleType

from headwater_kit.core.documents import DocumentInfo

# Modules whose help is prose enough to be asked about.
MODULES = (
    *("argparse", "asyncio", "base64", "bisect", "collections", "configparser", "contextlib", "copy", "csv"),
    *("dataclasses", "datetime", "difflib", "enum", "functools", "glob", "hashlib", "heapq", "itertools", "json"),
    *("math", "operator", "pathlib", "pickle", "queue", "random", "re", "secrets", "shlex", "shutil", "statistics"),
    *("string", "subprocess", "tempfile", "textwrap", "threading", "timeit", "uuid", "warnings", "weakref", "zipfile"),
)
_MIN_DOC_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document in plain text, its headings underlined."""

    document_id: str
    text: str
    info: DocumentInfo


def documents() -> Iterator[CorpusDocument]:
    """The corpus: one document a topic of the language reference and one a module."""
    for name, text in sorted(topics.items()):
        yield _document(f"python/reference/{name}", text, "reference")
    for name in MODULES:
        yield _document(f"python/library/{name}", _help(importlib.import_module(name)), "library")


def _document(document_id: str, text: str, part: str) -> CorpusDocument:
    info = DocumentInfo(source_uri=f"pydoc:{document_id}", media_type="text/plain", metadata={"part": part})
    return CorpusDocument(document_id, text, info)


def _help(module: ModuleType) -> str:
    sections = [_heading(f"The {module.__name__} module", "*"), inspect.getdoc(module) or ""]
    for name in sorted(getattr(module, "__all__", None) or vars(module)):
        value = getattr(module, name, None)
        if not name.startswith("_") and (inspect.isroutine(value) or inspect.isclass(value)):
            sections += _entry(f"{module.__name__}.{name}", value)
    return "\n\n".join(section for section in sections if section)


def _entry(name: str, value: object) -> list[str]:
    doc = inspect.getdoc(value) or ""
    return [_heading(name, "="), doc] if len(doc) >= _MIN_DOC_CHARACTERS else []


def _heading(title: str, mark: str) -> str:
    return f"{title}\n{mark * len(title)}"
