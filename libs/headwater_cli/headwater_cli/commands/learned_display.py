"""What was learned, drawn for people."""

import time
from collections.abc import Sequence

from headwater_client import LearnedModel, ModelDifference, ModelExplanation
from headwater_kit.core.learning import GateDecided, ServingPolicy
from rich.console import Console
from rich.markup import escape
from rich.table import Table

STAGES = {
    ServingPolicy.EXPLOIT: "live",
    ServingPolicy.INTERLEAVE: "compared, list by list",
    ServingPolicy.CANARY: "canary",
    None: "offered",
}
ID_DIGITS = 12


def show_learned(models: Sequence[LearnedModel]) -> None:
    """What is learned and served; of the memory only how much there is."""
    memories = [model for model in models if model.component == "memory"]
    table = Table("learned", "part", "stage", "id", "examples", "since", box=None, pad_edge=False)
    for model in models:
        if model.component != "memory":
            stage = STAGES.get(model.stage, "")
            if model.stage is ServingPolicy.CANARY:
                stage += f", {model.share:.0%}"
            since = _at(model.publish_time)
            examples = f"{model.example_count:,}"
            table.add_row(model.component, model.part, stage, model.snapshot_id[:ID_DIGITS], examples, since)
    if memories:
        votes = sum(model.example_count for model in memories)
        last = _at(max(model.publish_time or 0.0 for model in memories))
        table.add_row("memory", f"questions: {len(memories):,}", "live", "", f"votes: {votes:,}", last)
    console = Console()
    console.print(table if table.row_count else "nothing was learned yet", highlight=False)


def show_decided(decided: Sequence[GateDecided]) -> None:
    """Decisions, with the figures of each."""
    console = Console()
    for each in decided:
        who = f" by {escape(each.user)}" if each.user else ""
        name = f"{each.component} {each.part}".strip()
        console.print(
            f"{_at(each.time)}  [bold]{each.decision.value}[/bold]{who}  {escape(name)} {each.snapshot_id[:ID_DIGITS]}"
            f"  {escape(each.reason)}",
            highlight=False,
            soft_wrap=True,
        )
        for check in each.checks:
            mark = "[green]ok[/green]" if check.passed else "[red]no[/red]"
            examples = f"  ({check.examples:,})" if check.examples else ""
            console.print(
                f"    {mark} {check.name} {check.value:.4g}, bound {check.bound:.4g}{examples}", highlight=False
            )


def show_explanation(found: ModelExplanation) -> None:
    """Where a model comes from, and what became of it."""
    console, model = Console(), found.model
    name = f"{model.component} {model.part}".strip()
    console.print(f"[bold]{escape(name)}[/bold] {model.snapshot_id}: {STAGES.get(model.stage, '')}", highlight=False)
    stamp = model.stamp
    if stamp:
        place = f"{stamp.trained_to.partition}:{stamp.trained_to.offset}" if stamp.trained_to else "unknown"
        metrics = ", ".join(f"{key} {value:.4g}" for key, value in sorted(stamp.metrics.items())) or "none"
        rows = {
            "learned from": f"{stamp.example_count:,} examples, training.v1 up to {place}, seed {stamp.seed}",
            "figures": metrics,
            "sha256": stamp.sha256,
            "signed by": stamp.key_id or "nobody",
            "trained on from": " < ".join(each.snapshot_id[:ID_DIGITS] for each in found.ancestors)
            or stamp.parent_id[:ID_DIGITS]
            or "nothing",
        }
        for key, value in rows.items():
            console.print(f"  {key:<16}{escape(value)}", highlight=False, soft_wrap=True)
    show_decided(found.decided)


def show_difference(found: ModelDifference) -> None:
    """Two models side by side, what differs most first."""
    left = found.left.snapshot_id[:ID_DIGITS] if found.left else "not learned"
    table = Table("", left, found.right.snapshot_id[:ID_DIGITS], "change", box=None, pad_edge=False)
    rows = sorted(found.values.items(), key=lambda row: -abs((row[1][1] or 0.0) - (row[1][0] or 0.0)))
    for name, (one, two) in rows:
        table.add_row(escape(name), _number(one), _number(two), f"{(two or 0.0) - (one or 0.0):+.4g}")
    Console().print(table, highlight=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _at(moment: float | None) -> str:
    return "" if moment is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
