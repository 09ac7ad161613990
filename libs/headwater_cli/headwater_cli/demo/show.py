"""How the demo looks on a terminal."""

from statistics import median

from headwater_kit.core.events import AnswerGenerated
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from headwater_cli.commands.output import source_of
from headwater_cli.demo.figures import Figures


def step(console: Console, title: str) -> None:
    """Announces a step."""
    console.print()
    console.print(Rule(Text(title, style="bold"), align="left", style="cyan"))


def answer(console: Console, given: AnswerGenerated, milliseconds: float) -> None:
    """A question with its answer, sources and time."""
    console.print(Text(f"? {given.question}", style="bold"))
    console.print(Padding(Text(given.text), (0, 0, 0, 2)))
    for citation in given.citations:
        source = f"[{citation.number}] {source_of(citation.passage)} ({citation.passage.document_id})"
        console.print(Padding(Text(source, style="cyan"), (0, 0, 0, 2)))
    console.print(Padding(Text(f"{milliseconds:.0f} ms", style="dim"), (0, 0, 1, 2)))


def summary(console: Console, figures: Figures) -> None:
    """All figures in one table."""
    table = Table("what", "figure", title="summary", title_style="bold")
    for what, figure in _rows(figures):
        table.add_row(what, figure)
    console.print()
    console.print(table)


def _rows(figures: Figures) -> list[tuple[str, str]]:
    edits = ", ".join(f"{one:.0f}" for one in figures.produce_to_searchable_ms)
    return [
        ("documents and chunks", f"{figures.documents} and {figures.chunks}"),
        ("platform ready", f"{figures.start_seconds:.1f} s"),
        ("corpus searchable", f"{figures.ingest_seconds:.1f} s"),
        ("answers", f"{median(figures.ask_ms):.0f} ms (median of {len(figures.ask_ms)})"),
        ("edit by Kafka → searchable", f"{median(figures.produce_to_searchable_ms):.0f} ms (of {edits})"),
        ("deletion by Kafka → gone", f"{figures.delete_to_gone_ms:.0f} ms"),
        ("deleted document visible", "yes" if figures.deleted_visible else "no"),
        ("rank after three votes", f"{figures.rank_before} → {figures.rank_after}"),
        ("the same, for a paraphrase", f"{figures.paraphrase_rank_before} → {figures.paraphrase_rank_after}"),
        ("votes → new ranking", f"{figures.feedback_to_rank_ms:.0f} ms"),
        ("total", f"{figures.total_seconds:.1f} s"),
    ]
