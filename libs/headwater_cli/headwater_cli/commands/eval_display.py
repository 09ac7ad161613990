"""How runs over a set are shown on a terminal, and their queries as CSV."""

import csv
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from headwater_cli.evaluation.comparison import Comparison, Difference
from headwater_cli.evaluation.run import Row, Run, latencies

SHOWN_CHARACTERS = 70


def show_run(run: Run, most: int) -> None:
    """Measures, times, what to beware of, and the worst queries."""
    console, summary = Console(), run.summary()
    console.print(
        f"[bold]{run.set_name}[/bold] {run.split}, {len(run.rows)} queries, tenant {run.tenant}", highlight=False
    )
    for name, value in summary["measures"].items():
        console.print(Text(f"  {name:<12}").append(f"{value:.4f}", style="bold"))
    times = "  ".join(f"{name} {value:.0f}" for name, value in latencies(run.rows).items())
    console.print(Text(f"  {'ms':<12}{times}  ({run.concurrency} at a time)"), soft_wrap=True)
    _show_documents(console, run)
    for leg, count in summary["missing_legs"].items():
        console.print(f"[yellow]  queries answered without the {leg} leg: {count}; see `headwater status`[/yellow]")
    if summary["failed"]:
        console.print(f"[yellow]  queries without an answer, which count 0: {summary['failed']}[/yellow]")
    if most:
        _show_worst(console, run, run.worst()[:most])


def show_comparison(comparison: Comparison, most: int) -> None:
    """Each measure's difference, the times, and the queries that changed most."""
    console, before, after = Console(), comparison.before, comparison.after
    console.print(Text(f"{before.set_name} {before.split}, the {comparison.queries} queries that both asked"))
    table = Table(
        "measure", before.name, after.name, "difference", "95 %", "p", "better/worse", box=None, pad_edge=False
    )
    for one in comparison.differences:
        table.add_row(*_cells(one))
    console.print(table)
    for run in (before, after):
        times = "  ".join(f"{name} {value:.0f}" for name, value in latencies(run.rows).items())
        console.print(Text(f"ms  {run.name}: {times}  ({run.concurrency} at a time)", style="dim"), soft_wrap=True)
    for change in comparison.changes[:most]:
        ranks = f"{change.before.first_relevant or '–'} → {change.after.first_relevant or '–'}"
        style = "green" if change.difference > 0 else "red"
        line = Text(f"{change.difference:+.3f}", style=style).append(f"  {ranks:<9} ", style="dim")
        console.print(line.append(_short(change.before.text), style="default"), soft_wrap=True)


def write_csv(run: Run, path: Path) -> None:
    """The queries, worst first: one a line, with all measures."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(
            ["query_id", *run.measures, "first_relevant", "relevant", "milliseconds", "missing_legs", "error", "text"]
        )
        for row in run.worst():
            values = [round(row.measures[name], 4) for name in run.measures]
            legs = " ".join(row.missing_legs)
            rest = [row.first_relevant, row.relevant, round(row.milliseconds, 1), legs, row.error, row.text]
            out.writerow([row.query_id, *values, *rest])


def _show_documents(console: Console, run: Run) -> None:
    counts = {name: count for name, count in run.documents.items() if count and name != "seconds"}
    if counts:
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        style = "yellow" if "refused" in counts else "dim"
        console.print(Text(f"  documents: {words}, in {run.documents['seconds']} s", style=style))


def _show_worst(console: Console, run: Run, rows: list[Row]) -> None:
    console.print(f"worst by {run.measures[0]}", style="dim", highlight=False)
    for row in rows:
        found = f"rank {row.first_relevant}" if row.first_relevant else "not found"
        line = Text(f"  {row.measures[run.measures[0]]:.3f}  {found:<10} ", style="dim")
        console.print(
            line.append(_short(row.text), style="default").append(f"  {row.query_id}", style="dim"), soft_wrap=True
        )


def _cells(one: Difference) -> tuple[Text, ...]:
    style = ("green" if one.difference > 0 else "red") if one.is_significant else "dim"
    return (
        Text(one.measure),
        Text(f"{one.before:.4f}"),
        Text(f"{one.after:.4f}"),
        Text(f"{one.difference:+.4f}", style=style),
        Text(f"{one.low:+.4f} – {one.high:+.4f}"),
        Text(f"{one.p_value:.4f}"),
        Text(f"{one.better}/{one.worse}"),
    )


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= SHOWN_CHARACTERS else words[: SHOWN_CHARACTERS - 1] + "…"
