"""`headwater eval`: how good the running platform's answers are, by a labelled set."""

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from headwater_client import Client
from headwater_kit.core.documents import Lane
from headwater_kit.core.errors import HeadwaterError, InvalidInput, Misconfigured
from rich.console import Console

from headwater_cli.commands.connect import TENANT, Json, User, client_settings, connected
from headwater_cli.commands.eval_display import show_comparison, show_run, write_csv
from headwater_cli.commands.ingest import PUT_ASIDE, progress_bar, put_aside, wait_backfilled, wait_searchable
from headwater_cli.commands.output import echo_json
from headwater_cli.evaluation.asking import Asked, ask
from headwater_cli.evaluation.collection import Collection, LabelledQuery, open_collection
from headwater_cli.evaluation.comparison import compare as compared
from headwater_cli.evaluation.indexing import Indexed, index_corpus, wait_settled
from headwater_cli.evaluation.measuring import MEASURES, check_measures, measured
from headwater_cli.evaluation.options import search_options
from headwater_cli.evaluation.run import Row, Run, read, save
from headwater_cli.invocation import Invocation

# As many as a search returns at most; a measure at a depth of 100 documents has to see that many passages.
TOP_K = 100
PACKAGES = ("ir_measures", "scipy", "matplotlib", "jinja2")


Folder = Annotated[Path | None, typer.Argument(metavar="DIR", help="A set in BEIR layout: corpus, queries, qrels.")]
Split = Annotated[str, typer.Option(help="Whose judgements; by default test, or the only ones there are.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Leave out judgements of what the set lacks.")]
Limit = Annotated[int, typer.Option(help="Ask the first so many queries; 0 means all.", min=0)]
Ingest = Annotated[bool, typer.Option(help="Index the corpus first, as far as it is not.")]
Backfill = Annotated[bool, typer.Option("--backfill", help="Index as bulk, which delays nobody's edits.")]
SearchOptions = Annotated[
    list[str] | None,
    typer.Option("--search", metavar="NAME=VALUE", help="An option of the search, such as top_k=50; may be repeated."),
]
Concurrency = Annotated[int, typer.Option(help="Searches at a time.", min=1, max=64)]
Measures = Annotated[
    list[str] | None,
    typer.Option("--measure", help="A measure besides the usual ones, such as P@5; may be repeated."),
]
Name = Annotated[str, typer.Option(help="What to call the run; by default as the file that it is saved in.")]
Save = Annotated[Path | None, typer.Option("--save", metavar="FILE", help="Keep the run, to compare with others.")]
Compare = Annotated[
    tuple[Path, Path] | None,
    typer.Option(metavar="BEFORE AFTER", help="Compare two saved runs instead of asking."),
]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report with plots.")]
Csv = Annotated[Path | None, typer.Option(metavar="FILE", help="Write all queries, worst first.")]
Most = Annotated[int, typer.Option(help="Queries to show.", min=0)]
# Not from the environment, as other verbs have it: a set is not to be mixed into the tenant that one works in.
OwnTenant = Annotated[str, typer.Option(help="Tenant to act in; by default one of the set's own.")]


def eval(  # noqa: A001 - the verb's name
    ctx: typer.Context,
    folder: Folder = None,
    *,
    split: Split = "",
    lenient: Lenient = False,
    limit: Limit = 0,
    ingest: Ingest = True,
    backfill: Backfill = False,
    search: SearchOptions = None,
    concurrency: Concurrency = 4,
    measure: Measures = None,
    name: Name = "",
    save_to: Save = None,
    compare: Compare = None,
    html: Html = None,
    csv: Csv = None,
    most: Most = 5,
    tenant: OwnTenant = "",
    user: User = "",
    json: Json = False,
) -> None:
    """Measure the running platform on a labelled set, or compare two runs."""
    _require_packages()
    _require_folders(save_to, html, csv)
    if compare is not None:
        if folder is not None:
            raise typer.BadParameter("give a set to ask or two runs to compare, not both", param_hint="--compare")
        _compare(*compare, html=html, most=most, json=json)
        return
    if folder is None:
        raise typer.BadParameter("say which set to ask, or --compare two runs", param_hint="DIR")
    options = {"top_k": TOP_K} | search_options(search or ())
    measures = check_measures([*MEASURES, *(measure or ())])
    collection = open_collection(folder, split, lenient=lenient)
    tenant = tenant or _default_tenant(ctx, folder)
    with connected(ctx, tenant or TENANT, user) as client:
        documents = _indexed(ctx, client, collection, backfill=backfill) if ingest else {}
        started = datetime.now(UTC)
        asked = _asked(client, collection.queries[: limit or None], options, concurrency)
    run = Run(
        name=name or (save_to.stem if save_to else collection.name),
        set_name=collection.name,
        split=collection.split,
        judgements=collection.judgements,
        tenant=tenant or "of the credential",
        started=started.isoformat(timespec="seconds"),
        version=version("headwater-cli"),
        options=_said(search or (), options),
        concurrency=concurrency,
        documents=documents,
        rows=measured(asked, measures),
    )
    _write(run, save_to, html, csv)
    _show(run, most, json=json)


def own_tenant(folder: Path) -> str:
    """A tenant for the set in this folder and no other, so that nothing else is among what its queries find."""
    path = folder.resolve()
    word = re.sub(r"[^a-z0-9]+", "-", path.name.lower()).strip("-")[:40] or "set"
    return f"eval-{word}-{hashlib.blake2b(path.as_posix().encode(), digest_size=3).hexdigest()}"


def _default_tenant(ctx: typer.Context, folder: Path) -> str:
    """The set's own; empty where a credential says in which tenant one acts."""
    return "" if client_settings(Invocation.of(ctx)).has_credential else own_tenant(folder)


def _require_packages() -> None:
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise Misconfigured(
            f"`headwater eval` needs packages that are not installed ({', '.join(missing)}): "
            "pip install 'headwater-cli[eval]'"
        )


def _require_folders(*files: Path | None) -> None:
    """Before a run that takes minutes, not after it."""
    for file in files:
        if file is not None and not file.absolute().parent.is_dir():
            raise InvalidInput(f"{file} cannot be written: there is no folder {file.absolute().parent}")


def _compare(before: Path, after: Path, *, html: Path | None, most: int, json: bool) -> None:
    found = compared(read(before), read(after))
    if html is not None:
        from headwater_cli.evaluation.report import comparison_page  # noqa: PLC0415 - brings what draws

        html.write_text(comparison_page(found), encoding="utf-8")
    if json:
        echo_json(found.values(most))
    else:
        show_comparison(found, most)


def _indexed(ctx: typer.Context, client: Client, collection: Collection, *, backfill: bool) -> Mapping[str, int]:
    """What became of the documents, in counts; returns when searches see them. Raises where none is there."""
    started = time.monotonic()
    with progress_bar(Console(stderr=True)) as progress:
        indexed = index_corpus(client, collection, Lane.BACKFILL if backfill else Lane.LIVE, progress)
        if backfill:
            wait_backfilled(ctx, indexed.written.values(), progress)
        else:
            wait_searchable(client, indexed.written.values(), progress)
        wait_settled(client)
        aside = put_aside(client, indexed.written, backfill=backfill)
    indexed.refused |= dict.fromkeys(aside, PUT_ASIDE)
    return _counts(indexed, len(indexed.written) - len(aside), round(time.monotonic() - started))


def _counts(indexed: Indexed, written: int, seconds: int) -> Mapping[str, int]:
    if not written and not indexed.unchanged:
        why = next(
            iter(indexed.refused.values()), "the set's corpus is missing or empty: --no-ingest uses what is there"
        )
        raise HeadwaterError(f"no document could be indexed: {why}")
    return {
        "indexed": written,
        "unchanged": indexed.unchanged,
        "empty": indexed.empty,
        "refused": len(indexed.refused),
        "seconds": seconds,
    }


def _asked(
    client: Client, queries: Sequence[LabelledQuery], options: Mapping[str, Any], concurrency: int
) -> Sequence[Asked]:
    with progress_bar(Console(stderr=True)) as progress:
        found = list(progress.track(ask(client, queries, options, concurrency), len(queries), description="asked"))
    if all(one.error for one in found):
        raise HeadwaterError(f"no query was answered: {found[0].error}")
    if not any(one.documents for one in found):
        raise HeadwaterError("no query found a document: is the corpus in this tenant? See `headwater status`")
    return found


def _said(search: Sequence[str], options: Mapping[str, Any]) -> Mapping[str, str]:
    """The options as they were given, which say more to a reader than what was made of them."""
    return {"top_k": str(options["top_k"])} | dict(word.split("=", 1) for word in search)


def _write(run: Run, save_to: Path | None, html: Path | None, csv: Path | None) -> None:
    if save_to is not None:
        save(run, save_to)
    if csv is not None:
        write_csv(run, csv)
    if html is not None:
        from headwater_cli.evaluation.report import run_page  # noqa: PLC0415 - brings what draws

        html.write_text(run_page(run), encoding="utf-8")


def _show(run: Run, most: int, *, json: bool) -> None:
    if json:
        echo_json(run.summary() | {"worst": [_worst(row) for row in run.worst()[:most]]})
    else:
        show_run(run, most)


def _worst(row: Row) -> Mapping[str, Any]:
    return {
        "query_id": row.query_id,
        "text": row.text,
        "measures": {name: round(value, 4) for name, value in row.measures.items()},
        "first_relevant": row.first_relevant,
        "milliseconds": round(row.milliseconds, 1),
    }
