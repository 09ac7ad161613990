"""What goes over the pipe: a JSON header and a body, with their lengths before them."""

import json
import struct
from dataclasses import asdict, dataclass
from typing import Any

from headwater_kit.core.errors import InvalidInput

from headwater_ingest.domain.chunking import ChunkPolicy, Span
from headwater_ingest.domain.cutting import CutDocument

LENGTHS = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class JailTerms:
    """What an inmate works with and what it may use.

    `tokenizer` is a file, or empty for words. `cpu_seconds` are a document's;
    `memory_bytes` are address space on top of what the empty process has.
    """

    tokenizer: str
    policy: ChunkPolicy
    cpu_seconds: float
    memory_bytes: int

    def to_header(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_header(cls, header: dict[str, Any]) -> "JailTerms":
        """From JSON."""
        return cls(**{**header, "policy": ChunkPolicy(**header["policy"])})


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    header: dict[str, Any]
    body: bytes = b""

    def to_bytes(self) -> bytes:
        """The message on the wire, without its body."""
        header = json.dumps(self.header).encode()
        return LENGTHS.pack(len(header), len(self.body)) + header


def cut_to_frame(cut: CutDocument) -> Frame:
    """An answer."""
    paths = {path: number for number, path in enumerate(dict.fromkeys(span.heading_path for span in cut.spans))}
    spans = [(span.start, span.end, paths[span.heading_path], span.token_count) for span in cut.spans]
    return Frame({"title": cut.title, "paths": list(paths), "spans": spans}, cut.text.encode())


def error_to_frame(error: InvalidInput) -> Frame:
    """A refusal."""
    return Frame({"refused": {"message": error.message, "field": error.field, "reason": error.reason}})


def cut_from_frame(frame: Frame) -> CutDocument:
    """The answer; raises the refusal."""
    if refused := frame.header.get("refused"):
        raise InvalidInput(refused["message"], field=refused["field"], reason=refused["reason"])
    if failed := frame.header.get("failed"):
        raise RuntimeError(f"cutting failed: {failed}")
    paths = [tuple(path) for path in frame.header["paths"]]
    spans = tuple(Span(start, end, paths[path], tokens) for start, end, path, tokens in frame.header["spans"])
    return CutDocument(frame.header["title"], frame.body.decode(), spans)
