"""How a result list came about, for people and for machines."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from headwater_client import Found
from headwater_kit.core.cascade import Cascade, StageReport, Standing
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headwater_cli.commands.output import source_of

Cascading = Annotated[
    Cascade | None,
    typer.Option(
        "--cascade", help="Whether a model reads the best again: never, where their order is in doubt, or always."
    ),
]
Explain = Annotated[bool, typer.Option("--explain", help="Tell how the list came about.")]


def explained_values(found: Found) -> dict[str, Any]:
    """What each stage did, and where each passage stood before it got its rank; ranks of 0 are none."""
    stages = [
        {
            "stage": stage.stage,
            "ran": stage.ran,
            "reason": stage.reason,
            "took_ms": round(stage.took_ms, 2),
            "figures": dict(stage.figures),
        }
        for stage in found.stages
    ]
    return {"stages": stages, "standings": [asdict(standing) for standing in found.standings]}


def show_explained(found: Found) -> None:
    """Prints it: a line a stage, and a row a passage, whose score is the sum of the last three columns."""
    console = Console()
    console.print()
    for stage in found.stages:
        console.print(_line(stage), soft_wrap=True)
    if found.standings:
        console.print(_table(found))


def _line(stage: StageReport) -> Text:
    figures = " · ".join(f"{name} {value:.3g}" for name, value in sorted(stage.figures.items()))
    line = Text(f"{stage.stage:<8}", style="bold cyan").append(f"{stage.took_ms:>6.1f} ms  ", style="dim")
    line.append(stage.reason or ("ran" if stage.ran else "did not run"), style="" if stage.ran else "dim")
    return line.append(f"  {figures}", style="dim") if figures else line


def _table(found: Found) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right", style="bold cyan")
    table.add_column("source", overflow="ellipsis", no_wrap=True)
    for name in ("dense", "lexical", "fused", "reranker", "memory"):
        table.add_column(name, justify="right")
    standings = {standing.chunk_id: standing for standing in found.standings}
    for passage in found.passages:
        if (standing := standings.get(passage.chunk.chunk_id)) is not None:
            table.add_row(str(passage.rank), source_of(passage), *_cells(standing))
    return table


def _cells(standing: Standing) -> list[str]:
    ranks = [f"#{rank}" if rank else "-" for rank in (standing.dense_rank, standing.lexical_rank)]
    gains = [f"{gain:+.3f}" if gain else "-" for gain in (standing.rerank_gain, standing.memory_gain)]
    return [*ranks, f"{standing.fused:.3f}", *gains]
