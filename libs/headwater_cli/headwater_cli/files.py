"""Files of a folder as documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater_kit.bus.topics import MAX_DOCUMENT_BYTES
from headwater_kit.core.documents import DocumentInfo

# What the suffix says; a file with another one is taken as plain text if it is text.
MEDIA_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
}
# As much as tells text from binary.
SNIFF_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class FileDocument:
    """A file that can be ingested, for `readers`. Its id is its absolute path, so that a second run replaces it."""

    path: Path
    readers: tuple[str, ...] = ()

    @property
    def document_id(self) -> str:
        """The document's id."""
        return self.path.as_posix()

    @property
    def info(self) -> DocumentInfo:
        """Its source, media type and readers; the title is found in the text."""
        media_type = MEDIA_TYPES.get(self.path.suffix.lower(), "text/plain")
        return DocumentInfo("", self.path.as_uri(), media_type, {"path": self.document_id}, self.readers)

    def read(self) -> bytes:
        """The file's bytes."""
        return self.path.read_bytes()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that cannot be ingested, and why."""

    path: Path
    reason: str


def find(roots: Sequence[Path], readers: tuple[str, ...] = ()) -> Iterator[FileDocument | Skipped]:
    """The files at and below these paths, in a stable order; hidden ones below a folder are left out."""
    for root in roots:
        for path in _files(root):
            reason = _unfit(path)
            yield Skipped(path, reason) if reason else FileDocument(path.absolute(), readers)


def _files(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if path.is_file() and not hidden:
            yield path


def _unfit(path: Path) -> str:
    if not path.is_file():
        return "not a file"  # a pipe or a device may never end
    if path.stat().st_size > MAX_DOCUMENT_BYTES:
        return f"over {MAX_DOCUMENT_BYTES // 1024**2} MiB"
    try:
        with path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
    except OSError as error:
        return error.strerror or str(error)
    if not head.strip():
        return "empty: what it said before stays, until `headwater delete`"
    return "not text" if b"\0" in head else ""
