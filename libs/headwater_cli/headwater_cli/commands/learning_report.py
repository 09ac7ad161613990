"""`headwater learning report`: whether learning helps, what serves, what the gate did, what was kept out."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from headwater_client import LearnedModel
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.scan import end_offsets, scan
from headwater_kit.bus.topics import FORGETS, QUARANTINE, TRAINING
from headwater_kit.codec.events import decode
from headwater_kit.core.errors import InvalidInput, Misconfigured
from headwater_kit.core.impressions import FeedbackQuarantined, TrainingRecorded, UserForgotten
from headwater_kit.core.learning import GateDecided
from rich.console import Console
from rich.progress import Progress

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected, reached_bus
from headwater_cli.commands.ingest import progress_bar
from headwater_cli.commands.output import echo_json
from headwater_cli.evaluation.learning import Gathered, gathered_values

MAX_GATES = 500
HOUR_SECONDS = 3_600


def report(
    ctx: typer.Context,
    *,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with plots.")] = None,
    window: Annotated[int, typer.Option(help="Hours of a window, by which rewards are averaged.", min=1)] = 24,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Tell whether learning helps, what serves, what the gate decided, and what was kept from having an effect."""
    _check(out)
    with connected(ctx, tenant, user, is_subject=True) as client:
        models, gates = client.models(), client.gates(limit=MAX_GATES)
    if any(each.tenant != tenant for each in gates):
        raise InvalidInput("the credential is of another tenant: name that by --tenant", field="tenant")
    gathered = Gathered(tenant, window * HOUR_SECONDS)
    with progress_bar(Console(stderr=True)) as progress:
        asyncio.run(gather(reached_bus(ctx), gathered, progress))
    values = gathered_values(gathered) | model_values(models) | {"gates": [gate_values(each) for each in gates]}
    if out is not None:
        from headwater_cli.evaluation.learning_report import learning_page  # noqa: PLC0415 - brings what draws

        out.write_text(learning_page(values), encoding="utf-8")
    if json:
        echo_json(values)
    else:
        _show(values, out)


async def gather(bus: Bus, gathered: Gathered, progress: Progress) -> None:
    """Reads the topics once, users who are forgotten first. Raises Unavailable."""
    await bus.create_topics([FORGETS.name, TRAINING.name, QUARANTINE.name])
    await _read(bus, FORGETS.name, lambda value: gathered.forget(decode(UserForgotten, value)), progress)
    await _read(bus, TRAINING.name, lambda value: gathered.take(decode(TrainingRecorded, value).example), progress)
    await _read(bus, QUARANTINE.name, lambda value: gathered.quarantine(decode(FeedbackQuarantined, value)), progress)


def model_values(models: Sequence[LearnedModel]) -> dict[str, Any]:
    """What serves, for machines; of the memory only how much there is."""
    memories = [model for model in models if model.component == "memory"]
    return {
        "models": [
            {
                "component": model.component,
                "part": model.part,
                "stage": model.stage.value if model.stage else None,
                "share": model.share,
                "snapshot_id": model.snapshot_id,
                "example_count": model.example_count,
                "publish_time": model.publish_time,
            }
            for model in models
            if model.component != "memory"
        ],
        "memory": {"clusters": len(memories), "votes": sum(model.example_count for model in memories)},
    }


def gate_values(decided: GateDecided) -> dict[str, Any]:
    """A decision, for machines, without the name of who made it."""
    return {
        "time": decided.time,
        "decision": decided.decision.value,
        "component": decided.component,
        "part": decided.part,
        "snapshot_id": decided.snapshot_id,
        "by": "an operator" if decided.user else "the gate",
        "reason": decided.reason,
        "checks": [asdict(check) for check in decided.checks],
    }


async def _read(bus: Bus, topic: str, take: Callable[[bytes], None], progress: Progress) -> None:
    task = progress.add_task(topic, total=sum((await end_offsets(bus, topic)).values()))
    async with aclosing(scan(bus, topic)) as batches:
        async for records in batches:
            for record in records:
                if record.value:
                    take(record.value)
            progress.advance(task, len(records))


def _check(out: Path | None) -> None:
    if out is None:
        return
    if not out.absolute().parent.is_dir():
        raise InvalidInput(f"{out} cannot be written: there is no folder {out.absolute().parent}")
    if not all(find_spec(name) for name in ("matplotlib", "jinja2")):
        raise Misconfigured("a page needs packages that are not installed: pip install 'headwater-cli[eval]'")


def _show(values: dict[str, Any], out: Path | None) -> None:
    for name, one in values["policies"].items():
        if one["lists"]:
            bounds = f"{one['low']:.4f} – {one['high']:.4f}"
            typer.echo(f"{name:<11} {one['lists']:>8,} lists  reward {one['mean']:.4f} ({bounds})")
    if lift := values["lift"]:
        bounds = f"{lift['low']:+.4f} – {lift['high']:+.4f}"
        typer.echo(f"lift        {lift['difference']:+.4f} ({bounds}), exploit less learn")
        typer.echo("            learn draws its order by chance, slightly worse by design: that is a little too much")
    else:
        typer.echo("no lift can be told yet: it takes closed lists of both exploit and learn")
    if out is not None:
        typer.echo(f"written to {out}")
