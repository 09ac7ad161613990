"""`headwater logs`: what a process of the platform has printed."""

import time
from typing import Annotated

import typer
from headwater_kit.core.errors import NotFound

from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation
from headwater_cli.platform import logs as log_files

_LOOK_SECONDS = 0.2


def logs(
    ctx: typer.Context,
    service: Annotated[str, typer.Argument(help="A service, or kafka, milvus, supervisor.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what it prints, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines to show.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print the lines as one JSON object.")] = False,
) -> None:
    """Show the last lines of a process's log, and with -f those that come."""
    layout = Invocation.of(ctx).layout
    log = layout.log(service)
    if not log.is_file():
        known = ", ".join(sorted(path.stem for path in log.parent.glob("*.log"))) or "none yet: run `headwater up`"
        raise NotFound(f"{service!r} has no log in {layout.root}; there are: {known}")
    position = log.stat().st_size
    last = log_files.last_lines(log, lines)
    if json:
        echo_json({"service": service, "log": log, "lines": last})
        return
    for line in last:
        typer.echo(line)
    while follow:
        fresh, position = log_files.new_lines(log, position)
        for line in fresh:
            typer.echo(line)
        time.sleep(_LOOK_SECONDS)
