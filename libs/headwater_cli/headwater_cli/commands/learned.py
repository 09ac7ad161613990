"""`headwater models`: the verbs for what was learned."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from headwater_client import LearnedModel
from headwater_kit.core.learning import GateDecided, GateDecision

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.learned_display import show_decided, show_difference, show_explanation
from headwater_cli.commands.output import echo_json

Snapshot = Annotated[str, typer.Argument(help="Id of a model, as `list` prints it; what it begins with is enough.")]


def promote(
    ctx: typer.Context, snapshot: Snapshot, *, tenant: Tenant = TENANT, user: User = "", json: Json = False
) -> None:
    """Serve a model that was offered, whatever the gate thinks of it; that is on record, with your name."""
    with connected(ctx, tenant, user) as client:
        _show([client.promote_model(full_id(client.models(), snapshot))], json=json)


def rollback(
    ctx: typer.Context,
    component: Annotated[str, typer.Argument(help="What to go back in: ranker, adapter, bandit.")],
    part: Annotated[str, typer.Argument(help="Part of it, such as a bandit's name.")] = "",
    *,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Serve the model again that was before, or none."""
    with connected(ctx, tenant, user) as client:
        _show([client.roll_back_model(component, part)], json=json)


def explain(
    ctx: typer.Context, snapshot: Snapshot, *, tenant: Tenant = TENANT, user: User = "", json: Json = False
) -> None:
    """Show where a model comes from, and what the gate made of it, figure by figure."""
    with connected(ctx, tenant, user) as client:
        found = client.explain_model(full_id(client.models(), snapshot))
    if json:
        ancestors = [learned_values(model) for model in found.ancestors]
        decided = [asdict(each) for each in found.decided]
        echo_json({"model": learned_values(found.model), "ancestors": ancestors, "decided": decided})
    else:
        show_explanation(found)


def diff(
    ctx: typer.Context,
    snapshot: Snapshot,
    other: Annotated[str, typer.Argument(help="Another of its kind; none means what is live.")] = "",
    *,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Set a model beside what is live, or beside another: weights, votes, arms."""
    with connected(ctx, tenant, user) as client:
        models = client.models()
        found = client.diff_models(full_id(models, snapshot), full_id(models, other) if other else "")
    if json:
        left = learned_values(found.left) if found.left else None
        sides = {name: {"left": one, "right": two} for name, (one, two) in found.values.items()}
        echo_json({"left": left, "right": learned_values(found.right), "values": sides})
    else:
        show_difference(found)


def gates(
    ctx: typer.Context,
    *,
    component: Annotated[str, typer.Option(help="Of this component alone.")] = "",
    limit: Annotated[int, typer.Option(help="So many at most.", min=1, max=500)] = 50,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Show what the gate decided, latest first."""
    with connected(ctx, tenant, user) as client:
        decided = client.gates(component, limit)
    if json:
        echo_json({"decided": [asdict(each) for each in decided]})
    elif decided:
        show_decided(decided)
    else:
        typer.echo("the gate has decided nothing yet")


def full_id(models: Sequence[LearnedModel], beginning: str) -> str:
    """The one id that begins so; as it is where none or several do, for the service to say so."""
    found = {model.snapshot_id for model in models if beginning and model.snapshot_id.startswith(beginning)}
    return found.pop() if len(found) == 1 else beginning


def learned_values(model: LearnedModel) -> dict[str, Any]:
    """A model for machines; its signature in hexadecimal digits."""
    values = asdict(model)
    if model.stamp:
        values["stamp"]["signature"] = model.stamp.signature.hex()
    return values


def _show(decided: Sequence[GateDecided], *, json: bool) -> None:
    for each in decided:
        if json:
            echo_json(asdict(each))
            continue
        show_decided([each])
        if each.decision is GateDecision.ROLLED_BACK:
            typer.echo(f"served now: {each.parent_id or 'what was before anything was learned'}")
