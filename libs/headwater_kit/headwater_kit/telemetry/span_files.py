"""Spans kept in two files of a folder: the one that is written, and the one before it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from headwater_kit.telemetry.otlp_json import line_of

NOW = "spans.jsonl"
BEFORE = "spans.before.jsonl"


class SpanFiles(SpanExporter):
    """Appends spans as OTLP/JSON lines; together the files never have more than `max_bytes`.

    The folder is made when first needed. A span that cannot be written is lost,
    with a word to whoever exports. Called by one thread.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_file_bytes = max_bytes // 2

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See the SDK's `SpanExporter`."""
        line = (line_of(spans) + "\n").encode()
        if len(line) > self._max_file_bytes:
            return SpanExportResult.FAILURE
        path = self._folder / NOW
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size + len(line) > self._max_file_bytes:
            path.replace(self._folder / BEFORE)
        # Opened each time, about once a second: nothing is held, and nothing is left to close.
        with path.open("ab") as file:
            file.write(line)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """See the SDK's `SpanExporter`."""


def lines(folder: Path) -> Iterator[bytes]:
    """All lines that are kept in a folder, oldest first; one that is being written comes without its end."""
    for name in (BEFORE, NOW):
        try:
            with (folder / name).open("rb") as file:
                yield from file
        except FileNotFoundError:
            continue
