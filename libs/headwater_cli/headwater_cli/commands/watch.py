"""`headwater watch`: what becomes of a document, as it happens."""

import time
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from headwater_client import Change, Client, DocumentState
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import NotFound
from rich.console import Console
from rich.markup import escape

from headwater_cli.commands.connect import TENANT, Tenant, User, connected

STYLES = {
    DocumentState.SEARCHABLE: "bold green",
    DocumentState.DELETED: "bold",
    DocumentState.STALE: "yellow",
    DocumentState.REJECTED: "bold red",
}


def watch(
    ctx: typer.Context,
    document_id: Annotated[str, typer.Argument(help="The document's id, or the path that it was ingested from.")],
    *,
    once: Annotated[bool, typer.Option("--once", help="End with the first event that nothing more comes of.")] = False,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show the state that a document is in, then each further one, until interrupted.

    A line is an event: its version, and how long after the first state each
    further one was reached.
    """
    path = Path(document_id)
    name = path.absolute().as_posix() if path.is_file() else document_id
    show = _print_json if json else ChangeLines(Console(highlight=False), time.monotonic).show
    with connected(ctx, tenant, user) as client:
        _say_if_unknown(client, name, once=once)
        for change in client.watch(name):
            show(change)
            if once and change.state.is_final:
                return


def _say_if_unknown(client: Client, name: str, *, once: bool) -> None:
    """Says that there is nothing to show yet; raises NotFound where one will not wait for it."""
    try:
        client.get(name)
    except NotFound as error:
        if error.reason == DocumentState.REJECTED.name:
            return
        if once:
            raise NotFound(f"nothing is known of {name}: ingest it first, or watch without --once") from None
        typer.echo(f"nothing is known of {name} yet: waiting", err=True)


class ChangeLines:
    """Draws changes, those of one event in one line that grows; `now` gives seconds that only grow."""

    def __init__(self, console: Console, now: Callable[[], float]) -> None:
        self._console = console
        self._now = now
        self._event: Position | None = None
        self._began = 0.0

    def show(self, change: Change) -> None:
        """Adds a change, and ends the line where nothing more comes of the event."""
        words = f"[{STYLES.get(change.state, 'cyan')}]{change.state}[/]"
        words += f" [dim]{escape(change.reason)}[/dim]" if change.reason else ""
        if change.position != self._event:
            self._begin(change, words)
        else:
            milliseconds = round((self._now() - self._began) * 1000)
            self._print(f" [dim]→[/dim] {words} [dim]+{milliseconds} ms[/dim]")
        if change.state.is_final:
            self._end()

    def _begin(self, change: Change, words: str) -> None:
        self._end()
        self._event, self._began = change.position, self._now()
        self._print(f"[bold]v{change.version}[/bold]  {words}" if change.version else f"[bold]–[/bold]  {words}")

    def _end(self) -> None:
        if self._event is not None:
            self._console.print()
        self._event = None

    def _print(self, words: str) -> None:
        self._console.print(words, end="", soft_wrap=True)


def _print_json(change: Change) -> None:
    values = {
        "state": change.state,
        "version": change.version,
        "partition": change.position.partition,
        "offset": change.position.offset,
        "reason": change.reason,
    }
    typer.echo(dumps(values))
