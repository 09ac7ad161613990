"""`headwater doctor`: what is wrong with this machine, and what to do about it."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation
from headwater_cli.platform.checks import Patient, examine


def doctor(
    ctx: typer.Context, json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False
) -> None:
    """Check Python, Java, disk, ports, jars, weights, broker, store and services; exits with 1 on a fault."""
    call = Invocation.of(ctx)
    findings = asyncio.run(examine(Patient.of(call.layout, call.settings)))
    healthy = all(finding.ok for finding in findings)
    if json:
        echo_json({"ok": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        table = Table("check", "verdict", box=None, show_header=False, pad_edge=False)
        table.add_column(overflow="fold")  # a path is there to be copied, so no part of it is left out
        for finding in findings:
            verdict = "[green]ok[/green]" if finding.ok else "[red]fault[/red]"
            detail = finding.detail + (f"\n→ {finding.remedy}" if finding.remedy else "")
            table.add_row(finding.check, verdict, escape(detail))
        Console().print(table)
    if not healthy:
        raise typer.Exit(1)
