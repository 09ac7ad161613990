"""`headwater top`: what the platform does, live."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

import typer
from headwater_kit.core.errors import InvalidInput
from headwater_kit.settings.ports import GRPC_PORTS
from rich.console import Console
from rich.live import Live

from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation
from headwater_cli.platform import state
from headwater_cli.platform.layout import Layout
from headwater_cli.top.figures import Figures
from headwater_cli.top.history import History
from headwater_cli.top.keys import pressed
from headwater_cli.top.scraping import scrape
from headwater_cli.top.view import screen

# What one shot takes its rates over.
_SHOT_SECONDS = 1.0


def top(
    ctx: typer.Context,
    interval: Annotated[float, typer.Option("--interval", min=0.5, help="Seconds between two looks.")] = 2.0,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--endpoint", help="Metrics of a service elsewhere, as embed=127.0.0.1:7502; repeat. [none: here]"
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures of a second as one JSON object.")] = False,
) -> None:
    """Show live what each service and stage does: rates, lag, freshness, caches, what was learned. q quits."""
    endpoints = _named(endpoint) if endpoint else _own(Invocation.of(ctx).layout)
    if json:
        echo_json(asdict(asyncio.run(_shot(endpoints, History(list(endpoints))))))
        return
    console = Console()
    if not console.is_terminal:
        history = History(list(endpoints))
        console.print(screen(asyncio.run(_shot(endpoints, history)), history, console.width))
        return
    with suppress(KeyboardInterrupt):
        asyncio.run(_watch(console, endpoints, interval))


def _own(layout: Layout) -> Mapping[str, str]:
    platform = state.require_ready(layout.state_file)
    return {process.name: process.metrics for process in platform.processes if process.metrics}


def _named(endpoints: list[str]) -> Mapping[str, str]:
    named = dict(each.partition("=")[::2] for each in endpoints)
    if wrong := sorted(name for name, address in named.items() if name not in GRPC_PORTS or ":" not in address):
        raise InvalidInput(f"--endpoint {wrong[0]}: give service=host:port, such as embed=127.0.0.1:7502")
    return named


async def _shot(endpoints: Mapping[str, str], history: History) -> Figures:
    history.add(await scrape(endpoints))
    await asyncio.sleep(_SHOT_SECONDS)
    return history.add(await scrape(endpoints))


async def _watch(console: Console, endpoints: Mapping[str, str], interval: float) -> None:
    history, keys = History(list(endpoints)), "q quits" if sys.stdin.isatty() else "Ctrl-C quits"
    seen = history.add(await scrape(endpoints))
    with pressed() as quit_, Live(console=console, screen=True, auto_refresh=False) as live:
        while not quit_.is_set():
            # The size is asked for each time: the window may have another by now.
            live.update(screen(seen, history, console.width, keys), refresh=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(quit_.wait(), interval)
            seen = history.add(await scrape(endpoints))
