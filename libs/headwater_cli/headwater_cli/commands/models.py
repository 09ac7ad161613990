"""`headwater models`: the encoders that are known, fetched, and added by the user; and what was learned."""

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from headwater_client import LearnedModel
from headwater_inference.download import Progress as Fetched
from headwater_inference.registry import ENGLISH, MULTILINGUAL, ModelSpec, Registry, builtin, known
from headwater_inference.store import ModelStore
from headwater_kit.core.errors import InvalidInput, Misconfigured, Unavailable
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

from headwater_cli.commands import learned
from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.learned_display import show_learned
from headwater_cli.commands.output import echo_json
from headwater_cli.invocation import Invocation

models = typer.Typer(
    help="List, fetch, add and export the models that embed; look at what was learned, serve it or take it back.",
    no_args_is_help=True,
    name="models",
)
for verb in (learned.diff, learned.promote, learned.rollback, learned.explain, learned.gates):
    models.command()(verb)


@models.command("list")
def list_models(ctx: typer.Context, *, tenant: Tenant = TENANT, user: User = "", json: Json = False) -> None:
    """List the models that are known: which is used, which are here, what each is for; and what was learned.

    What was learned is left out where no platform is running.
    """
    settings = Invocation.of(ctx).settings
    store = settings.model_store()
    registry = known(store.root)
    used = _used(registry, settings.encoder)
    known_learned = _learned(ctx, tenant, user)
    if json:
        values = [_values(spec, registry, store) | {"used": spec == used} for spec in registry.models.values()]
        served = None if known_learned is None else [learned.learned_values(model) for model in known_learned]
        echo_json({"folder": str(store.root), "used": used and used.name, "models": values, "learned": served})
        return
    table = Table("", "model", "id", "for", "precision", "here", box=None, pad_edge=False)
    for spec in registry.models.values():
        languages = " ".join(spec.languages) or "any text"
        here = "yes" if store.has(spec) else "no"
        table.add_row("*" if spec == used else "", spec.name, spec.model_id, languages, spec.precision, here)
    console = Console()
    console.print(table)
    words = ", ".join(f"{word} is {name}" for word, name in registry.defaults.items())
    console.print(
        f"* is set: HEADWATER_ENCODER names one, or a word: {words}. After a promotion that one embeds: "
        "`headwater reindex status`",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    if known_learned is not None:
        console.print()
        show_learned(known_learned)


@models.command()
def pull(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="The model's name; none means the one that embeds.")] = "",
    *,
    json: Json = False,
) -> None:
    """Fetch a model and verify its hashes, so that nothing has to be fetched at a start."""
    settings = Invocation.of(ctx).settings
    store = settings.model_store()
    spec = known(store.root).get(model or settings.encoder)
    with _progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("beginning", total=None)
        files = store.ensure(spec, partial(_show, bar, task))
    if json:
        echo_json(
            {"name": spec.name, "model_id": spec.model_id, "files": {role: str(at) for role, at in files.items()}}
        )
    else:
        where = f"is in {store.folder(spec)}, verified" if files else "has no files to fetch"
        typer.echo(f"{spec.name} {spec.model_id} {where}")


@models.command()
def add(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with an ONNX model and its tokenizer.json.")],
    *,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    pooling: Annotated[str | None, typer.Option(help="How token states become one vector: cls or mean.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Its window in tokens, special tokens included.")] = None,
    precision: Annotated[str | None, typer.Option(help="What its weights are, such as float32.")] = None,
    licence: Annotated[str | None, typer.Option(help="SPDX id of the weights' licence.")] = None,
    query_prefix: Annotated[str | None, typer.Option(help="What goes before a query.")] = None,
    passage_prefix: Annotated[str | None, typer.Option(help="What goes before a stored text.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="A language it is for; may be repeated.")] = None,
    source: Annotated[str | None, typer.Option(help="Whose weights they are.")] = None,
    weights: Annotated[str | None, typer.Option(help="The ONNX file, within the folder.")] = None,
    default: Annotated[str, typer.Option(help="Let this word stand for it: english or multilingual.")] = "",
    json: Json = False,
) -> None:
    """Copy a model of your own into the store, try it, and make it known by its name.

    What a model.toml in the folder says need not be said here; `export` writes one.
    """
    # Imported on use: it brings ONNX Runtime.
    from headwater_inference.addition import add_model, read_manifest  # noqa: PLC0415

    if default not in {"", ENGLISH, MULTILINGUAL}:
        raise InvalidInput(f"{default!r} is no word that stands for a model: say {ENGLISH} or {MULTILINGUAL}")
    said = {
        "name": name,
        "pooling": pooling,
        "max_tokens": max_tokens,
        "precision": precision,
        "licence": licence,
        "query_prefix": query_prefix,
        "passage_prefix": passage_prefix,
        "languages": language,
        "source": source,
        "weights": weights,
    }
    manifest = read_manifest(folder, {key: value for key, value in said.items() if value is not None})
    store = Invocation.of(ctx).settings.model_store()
    spec = add_model(folder, manifest, store, default)
    if json:
        echo_json(_values(spec, known(store.root), store))
        return
    typer.echo(f"{spec.name} {spec.model_id}: {spec.dimension} dimensions, in {store.folder(spec)}")
    typer.echo(
        f"HEADWATER_ENCODER={default or spec.name} embeds with it from the first document on; an index that has "
        f"documents changes to it by `headwater reindex --model {spec.name}`"
    )


@models.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
def export(arguments: Annotated[list[str], typer.Argument(metavar="HF_DIR --out DIR …")]) -> None:
    """Make of a sentence-transformers folder one that `add` takes; see its own --help."""
    # A process of its own: what it imports is in no process of the platform.
    ended = subprocess.run([sys.executable, "-m", "headwater_inference.export", *arguments], check=False)
    raise typer.Exit(ended.returncode)


def _learned(ctx: typer.Context, tenant: str, user: str) -> Sequence[LearnedModel] | None:
    """What was learned; None where no platform is there to ask."""
    try:
        with connected(ctx, tenant, user) as client:
            return client.models()
    except Unavailable:
        return None


def _used(registry: Registry, encoder: str) -> ModelSpec | None:
    """The model that the setting names; none, and a word of that, where it names none: who looks means to choose."""
    try:
        return registry.get(encoder)
    except Misconfigured as error:
        typer.echo(f"headwater: HEADWATER_ENCODER={encoder}: {error.message}", err=True)
        return None


def _values(spec: ModelSpec, registry: Registry, store: ModelStore) -> dict[str, Any]:
    """A model for machines."""
    return {
        "name": spec.name,
        "model_id": spec.model_id,
        "kind": spec.kind,
        "source": spec.source,
        "licence": spec.licence,
        "languages": list(spec.languages),
        "dimension": spec.dimension,
        "max_tokens": spec.max_tokens,
        "pooling": spec.pooling,
        "normalisation": spec.normalisation,
        "precision": spec.precision,
        "query_prefix": spec.query_prefix,
        "passage_prefix": spec.passage_prefix,
        "added": spec.name not in builtin().models,
        "default": [word for word, name in registry.defaults.items() if name == spec.name],
        "here": store.has(spec),
        "folder": str(store.folder(spec)),
    }


def _progress_bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description:>12}"), BarColumn(30), DownloadColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _show(bar: Progress, task: TaskID, fetched: Fetched) -> None:
    bar.update(task, description=fetched.step, completed=fetched.done_bytes, total=fetched.total_bytes or None)
