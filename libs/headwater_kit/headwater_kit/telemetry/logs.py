"""Log lines: JSON for machines, text for people; each with the ids of its trace and its span."""

import datetime
import json
import logging
import re
from typing import TextIO

from opentelemetry import trace

from headwater_kit.telemetry.failures import traced

# What a bare LogRecord has; everything else on it came by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET = re.compile(r"(password|secret|token|api_?key|authorization|credentials?)$", re.IGNORECASE)
_MASK = "***"


def configure(service: str, level: str, format: str, stream: TextIO) -> None:
    """Sends the process's log lines to `stream`; format auto is text on a terminal and JSON elsewhere."""
    is_text = format == "text" or (format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.addFilter(_may_say)
    handler.setFormatter(TextFormatter() if is_text else JsonFormatter(service))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


def _may_say(record: logging.LogRecord) -> bool:
    """Others' debugging is not ours: clients of language models, for one, put what they send into it."""
    return record.levelno > logging.DEBUG or record.name.startswith("headwater")


def trace_id() -> str:
    """The current trace's id, 32 hex digits; empty outside a trace."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def span_id() -> str:
    """The current span's id, 16 hex digits; empty outside a trace."""
    context = trace.get_current_span().get_span_context()
    return trace.format_span_id(context.span_id) if context.is_valid else ""


def extras(record: logging.LogRecord) -> dict[str, object]:
    """What the caller gave as `extra`; values under a secret's name are masked."""
    given = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {name: _MASK if _SECRET.search(name) else value for name, value in given.items()}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, service, logger, message, trace_id, span_id, error, extras."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := trace_id():
            line |= {"trace_id": current, "span_id": span_id()}
        if record.exc_info and record.exc_info[1]:
            line["error"] = traced(record.exc_info[1])
        return json.dumps({**line, **extras(record), **line}, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, message, then extras as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback below it."""
        time = datetime.datetime.fromtimestamp(record.created).astimezone()
        given = extras(record)
        if current := trace_id():
            given["trace_id"] = current
        pairs = "".join(f" {name}={value}" for name, value in given.items())
        line = f"{time:%H:%M:%S} {record.levelname.lower():7} {record.getMessage()}{pairs}"
        return f"{line}\n{traced(record.exc_info[1])}" if record.exc_info and record.exc_info[1] else line
