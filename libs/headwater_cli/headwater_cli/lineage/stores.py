"""Where spans are kept: the laptop platform's own files, or a trace store's HTTP API."""

import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from headwater_kit.core.errors import Unavailable
from headwater_kit.telemetry.setup import SPANS
from headwater_kit.telemetry.span_files import lines

from headwater_cli.lineage.spans import StoredSpan, parsed

# The spans of some traces, as far as they were kept, in no order. Raises Unavailable.
Find = Callable[[Collection[str]], Sequence[StoredSpan]]

ASK_SECONDS = 5.0
# Asked one by one; of more traces the first ones.
MAX_TRACES = 50
NOT_FOUND = 404


def in_folders(root: Path, traces: Collection[str]) -> Sequence[StoredSpan]:
    """Finds spans in the files of the services below a platform's data folder."""
    wanted = [trace.encode() for trace in traces]
    # Looked for before it is parsed: a hundred megabytes are searched in the time in which two are parsed.
    held = (line for line in _lines(root) if any(trace in line for trace in wanted))
    return [span for line in held for span in _readable(line) if span.trace_id in traces]


def from_api(url: str, traces: Collection[str]) -> Sequence[StoredSpan]:
    """Finds spans of the first 50 traces in a store that gives one as OTLP/JSON, at a URL with `{trace_id}` in it."""
    asked = list(traces)[:MAX_TRACES]
    return [span for trace in asked for span in _ask(url.replace("{trace_id}", trace)) if span.trace_id in traces]


def _readable(line: bytes) -> Sequence[StoredSpan]:
    try:
        return list(parsed(line))
    except Unavailable:
        # Torn by a process that was killed: the others are whole.
        return ()


def _lines(root: Path) -> Iterator[bytes]:
    for folder in sorted(root.glob(f"*/{SPANS}")):
        # The last one may still be written.
        yield from (line for line in lines(folder) if line.endswith(b"\n"))


def _ask(url: str) -> Sequence[StoredSpan]:
    # The setting takes http and https alone.
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=ASK_SECONDS) as reply:  # noqa: S310
            return list(parsed(reply.read()))
    except urllib.error.HTTPError as error:
        if error.code == NOT_FOUND:
            return ()
        raise Unavailable(f"the trace store refuses: HTTP {error.code}; see HEADWATER_TRACE_API") from error
    except OSError as error:
        raise Unavailable(f"the trace store does not answer ({error}): see HEADWATER_TRACE_API") from error
