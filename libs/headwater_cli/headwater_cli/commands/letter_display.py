"""How dead letters are shown."""

import base64
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import typer
from headwater_kit.bus.dead_letters import PREFIX
from headwater_kit.bus.letters import Found, Letter, Report
from headwater_kit.bus.ports import Record
from headwater_kit.core.documents import DEFAULT_TENANT, PART_SEPARATOR
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from headwater_cli.commands.output import echo_json
from headwater_cli.platform.layout import Layout

SHOWN_CHARACTERS = 2000
SHOWN_BYTES = 256
# Bytes a line of a hex preview.
LINE_BYTES = 16
SHOWN_FAILURES = 10
# Of a key in a list; `show` gives all of it.
KEY_CHARACTERS = 60


def show_letters(console: Console, found: Found, layout: Layout) -> None:
    """The letters by topic and group, and what to do next."""
    for (topic, group), own in groupby(sorted(found.letters, key=_party), _party):
        console.print(f"\n[bold]{topic}[/bold] put aside by [bold]{group}[/bold]", highlight=False)
        _print(console, list(own))
    reasons = ", ".join(f"{_plain(reason)} {count}" for reason, count in sorted(found.reasons.items()))
    shown = f", the latest {len(found.letters)} are shown" if len(found.letters) < found.total else ""
    console.print(f"\n{found.total} in all ({escape(reasons)}){shown}", highlight=False)
    console.print(f"[dim]one of them: {layout.command('dead-letters show')} PLACE[/dim]", soft_wrap=True)
    console.print(f"[dim]after the fix: {layout.command('dead-letters redrive')}[/dim]", soft_wrap=True)


def show_letter(console: Console, letter: Letter, record: Record, *, json: bool) -> None:
    """All that one letter says."""
    headers = {name: value for name, value in record.headers.items() if not name.startswith(PREFIX)}
    if json:
        shown = {name: _text(value) for name, value in headers.items()}
        value = None if record.value is None else base64.b64encode(record.value).decode()
        echo_json({**letter_values(letter), "headers": shown, "value_base64": value})
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, fact in (letter_values(letter) | {"key": _key(letter.key)}).items():
        if fact not in (None, ""):
            table.add_row(f"[bold]{name}[/bold]", escape(_plain(str(fact))))
    for name, header in headers.items():
        table.add_row(f"[dim]header[/dim] {escape(_plain(name))}", escape(_text(header)))
    console.print(table)
    console.print()
    console.print(preview(record.value), markup=False, highlight=False, soft_wrap=True)


def show_plan(console: Console, planned: Sequence[Letter], *, json: bool) -> None:
    """What is meant, in the order in which it would be sent."""
    if json:
        echo_json({"total": len(planned), "letters": [letter_values(letter) for letter in planned]})
    elif not planned:
        typer.echo("nothing to do: no open dead letter matches")
    else:
        _print(console, planned)
        console.print(f"\n{len(planned)} would be sent, in this order", highlight=False)


def show_report(console: Console, report: Report, layout: Layout, *, json: bool) -> None:
    """What a redrive did, and where what fails again is seen."""
    if json:
        failed = [{**letter_values(letter), "failure": error.message} for letter, error in report.failed]
        echo_json({"redriven": len(report.sent), "superseded": len(report.superseded), "failed": failed})
        return
    if not report.done:
        typer.echo("nothing to do: no open dead letter matches")
        return
    also = f", {len(report.superseded)} closed that something newer had replaced" if report.superseded else ""
    typer.echo(f"{len(report.sent)} redriven{also}")
    if report.sent:
        console.print(f"[dim]put aside again? {layout.command('dead-letters list')}[/dim]", soft_wrap=True)
    for letter, error in report.failed[:SHOWN_FAILURES]:
        console.print(f"  {letter.place}: {error.message}", style="red", markup=False, highlight=False, soft_wrap=True)


def letter_values(letter: Letter) -> dict[str, Any]:
    """A letter for machines."""
    document = letter.document
    return {
        "place": str(letter.place),
        "time": datetime.fromtimestamp(letter.put_aside_time, UTC).isoformat(timespec="milliseconds"),
        "topic": letter.source_topic,
        "group": letter.group,
        "key": None if letter.key is None else _text(letter.key),
        "tenant": document.tenant if document else None,
        "document_id": document.document_id if document else None,
        "reason": letter.reason,
        "error": letter.error,
        "attempts": letter.attempts,
        "source": str(letter.source) if letter.source else None,
        "size_bytes": letter.size_bytes,
        "service_version": letter.service_version,
        "trace_id": letter.trace_id,
        "redrives": letter.redrives,
        "closed": letter.closed,
    }


def preview(value: bytes | None) -> str:
    """The beginning of a value: as text if it is, else in hex digits."""
    if value is None:
        return "no value: the record is a deletion"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return _hex(value)
    shown = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text[:SHOWN_CHARACTERS])
    return shown + (f"\n… {len(text) - SHOWN_CHARACTERS} more characters" if len(text) > SHOWN_CHARACTERS else "")


def _hex(value: bytes) -> str:
    head = value[:SHOWN_BYTES]
    lines = [
        f"{at:08x}  {head[at : at + LINE_BYTES].hex(' '):<{3 * LINE_BYTES}} {_ascii(head[at : at + LINE_BYTES])}"
        for at in range(0, len(head), LINE_BYTES)
    ]
    return "\n".join([*lines, *([f"… {len(value) - SHOWN_BYTES} more bytes"] if len(value) > SHOWN_BYTES else [])])


def _ascii(line: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)


def _print(console: Console, letters: Sequence[Letter]) -> None:
    """Two lines a letter: what it is about, then where it lies, uncut so that it can be copied, and the error."""
    for letter in letters:
        tries = f" after {letter.attempts} attempts" if letter.attempts > 1 else ""
        closed = "  closed" if letter.closed else ""
        style = "dim" if letter.closed else ""
        head = Text(f"{_time(letter.put_aside_time)}  ", style=style).append(_plain(letter.reason), style="yellow")
        console.print(head.append(f"{tries}  {_name(letter)}{closed}"), soft_wrap=True)
        where = Text(f"    {letter.place}  {_plain(letter.error)}", style="dim")
        console.print(where, no_wrap=True, overflow="ellipsis")


def _name(letter: Letter) -> str:
    """The document, with its tenant where it is not the default one and its part where it is one; else the key."""
    document = letter.document
    if document is None:
        return _cut(_key(letter.key))
    tenant = "" if document.tenant == DEFAULT_TENANT else f"{document.tenant}: "
    _, separator, part = (letter.key or b"").partition(PART_SEPARATOR)
    return f"{tenant}{_cut(document.document_id)}{f' #{_text(part)}' if separator else ''}"


def _key(key: bytes | None) -> str:
    """A record's key; one that is missing and one that shows nothing are told apart."""
    if key is None:
        return "(no key)"
    return _text(key) if key.strip() else f"(blank key of {len(key)} bytes)"


def _cut(name: str) -> str:
    return name if len(name) <= KEY_CHARACTERS else f"{name[: KEY_CHARACTERS - 1]}…"


def _party(letter: Letter) -> tuple[str, str]:
    return letter.source_topic, letter.group


def _text(value: bytes) -> str:
    return _plain(value.decode(errors="backslashreplace"))


def _plain(text: str) -> str:
    """Text that no terminal takes for a command."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
