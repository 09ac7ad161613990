"""`headwater ingest`: files and folders into the index."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import typer
from headwater_client import Client
from headwater_kit.bus.topics import DOCUMENTS_BACKFILL
from headwater_kit.core.documents import DocumentInfo, Lane, Position
from headwater_kit.core.errors import HeadwaterError, InvalidInput, NotFound, Transient, Unavailable
from headwater_kit.core.readers import checked, readers_of
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.output import echo_json
from headwater_cli.files import FileDocument, Skipped, find
from headwater_cli.invocation import Invocation
from headwater_cli.platform import state
from headwater_cli.platform.broker import broker_settings
from headwater_cli.platform.flow import Flow

# Enough to keep the log busy while each waits for its acknowledgement.
SENDERS = 8
RETRY_SECONDS = 60.0
LOOK_SECONDS = 0.1
SHOWN_SKIPS = 5
PUT_ASIDE = "was not accepted: see `headwater dead-letters list`"
# Another process of ingest than the one that accepted a document hears of it a moment later.
SETTLE_SECONDS = 2.0
# What it has committed of its lane is done: searchable, or put aside.
BACKFILL_GROUP = "ingest-backfill"

T = TypeVar("T")


class Document(Protocol):
    """What can be sent: its id, what is said about it, and its body, read when its turn comes."""

    @property
    def document_id(self) -> str:
        """Unique within the tenant."""

    @property
    def info(self) -> DocumentInfo:
        """All but the body."""

    def read(self) -> bytes:
        """The body. Raises OSError where it cannot be read."""


def ingest(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; text, Markdown and HTML.")],
    *,
    wait: Annotated[bool, typer.Option(help="Wait until all of it is searchable.")] = True,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="As bulk, which goes in as there is room and delays nobody's edits.")
    ] = False,
    allow_group: Annotated[
        list[str] | None,
        typer.Option(help="Only this group and others allowed may read them; may be repeated. None: the whole tenant."),
    ] = None,
    allow_user: Annotated[list[str] | None, typer.Option(help="The same for a user.")] = None,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Put files and folders into the index; a file that was there is replaced, and so is who may read it."""
    started = time.monotonic()
    readers = checked(readers_of(allow_group or (), allow_user or ()), "--allow-group and --allow-user")
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path} does not exist: name a file or a folder that does")
    found = list(find(paths, readers))
    documents = [one for one in found if isinstance(one, FileDocument)]
    skipped = [one for one in found if isinstance(one, Skipped)]
    with connected(ctx, tenant, user) as client, progress_bar(Console(stderr=True)) as progress:
        outcomes = dict(_sent(client, documents, Lane.BACKFILL if backfill else Lane.LIVE, progress))
        written = {document: at for document, at in outcomes.items() if isinstance(at, Position)}
        skipped += [Skipped(document.path, why) for document, why in outcomes.items() if isinstance(why, str)]
        if wait and backfill:
            wait_backfilled(ctx, written.values(), progress)
        elif wait:
            wait_searchable(client, written.values(), progress)
        ids = {document.document_id: at for document, at in written.items()}
        aside = put_aside(client, ids, backfill=backfill) if wait else []
    skipped += [Skipped(Path(document_id), PUT_ASIDE) for document_id in aside]
    _report(len(written) - len(aside), skipped, time.monotonic() - started, wait=wait, json=json)


def progress_bar(console: Console) -> Progress:
    """Counts documents on a terminal, and stays away elsewhere."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def wait_searchable(client: Client, positions: Collection[Position], progress: Progress) -> None:
    """Returns once searches see all these positions. Raises Unavailable when the index stands still too long."""
    wait_done(lambda: {at.partition: at.offset + 1 for at in client.watermark()}, positions, progress)


def wait_backfilled(ctx: typer.Context, positions: Collection[Position], progress: Progress) -> None:
    """Returns once what was sent as bulk is done with, by these places in its lane. Raises as `wait_done`."""
    flow = _flow(ctx)
    wait_done(lambda: flow.committed(BACKFILL_GROUP, DOCUMENTS_BACKFILL.name), positions, progress)


def wait_done(reached: Callable[[], Mapping[int, int]], positions: Collection[Position], progress: Progress) -> None:
    """Returns once `reached`, the next offset by partition, is past all these positions.

    Raises Unavailable when nothing moves for too long; until then it bears with
    a platform that does not answer.
    """
    task = progress.add_task("searchable", total=len(positions))
    done, moved = 0, time.monotonic()
    while done < len(positions):
        now_done = _done(reached, positions, done)
        progress.update(task, completed=now_done)
        if now_done > done:
            done, moved = now_done, time.monotonic()
        elif time.monotonic() - moved > RETRY_SECONDS:
            raise Unavailable(
                f"{len(positions) - done} documents are not searchable after {RETRY_SECONDS:.0f} s: "
                "see `headwater status`"
            )
        else:
            time.sleep(LOOK_SECONDS)


def _done(reached: Callable[[], Mapping[int, int]], positions: Collection[Position], before: int) -> int:
    try:
        next_offsets = reached()
    except Transient:
        return before
    return sum(next_offsets.get(at.partition, 0) > at.offset for at in positions)


def _flow(ctx: typer.Context) -> Flow:
    call = Invocation.of(ctx)
    settings = call.settings
    if settings.own_broker:
        return Flow(broker_settings(settings, state.require_ready(call.layout.state_file).kafka_bootstrap))
    return Flow(broker_settings(settings, settings.kafka_bootstrap))


def _sent(
    client: Client, documents: Sequence[FileDocument], lane: Lane, progress: Progress
) -> Iterator[tuple[FileDocument, Position | str]]:
    task = progress.add_task("sent", total=len(documents))
    with ThreadPoolExecutor(SENDERS) as pool:
        for document, outcome in zip(documents, pool.map(lambda one: send(client, one, lane), documents), strict=True):
            progress.advance(task)
            yield document, outcome


def send(client: Client, document: Document, lane: Lane) -> Position | str:
    """The document's place in the log, or why it was refused; waits while the platform is too busy."""
    try:
        return patiently(lambda: client.upsert(document.document_id, document.read(), document.info, lane=lane))
    except InvalidInput as error:
        return error.message
    except OSError as error:
        return error.strerror or str(error)


def patiently(call: Callable[[], T]) -> T:
    """What the call returns, which is made again while the platform is busy or away, for up to a minute."""
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            return call()
        except Transient as error:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_SECONDS if error.reason == "OVERLOADED" else 1.0)


def put_aside(client: Client, written: Mapping[str, Position], *, backfill: bool) -> Sequence[str]:
    """Ids whose write is done with and came to nothing: what was last accepted of them is older, or nothing is."""
    until = time.monotonic() + SETTLE_SECONDS

    def is_aside(document_id: str) -> bool:
        # Bulk has its places in another topic than what was accepted: of it, those are told that never came in.
        while _accepted_offset(client, document_id) < (0 if backfill else written[document_id].offset):
            if time.monotonic() > until:
                return True
            time.sleep(LOOK_SECONDS)
        return False

    with ThreadPoolExecutor(SENDERS) as pool:
        return [name for name, aside in zip(written, pool.map(is_aside, written), strict=True) if aside]


def _accepted_offset(client: Client, document_id: str) -> int:
    """Of the event that was last accepted of a document, -1 where there is none; a document has one partition."""
    try:
        return client.get(document_id).position.offset
    except NotFound:
        return -1


def _report(sent: int, skipped: Sequence[Skipped], seconds: float, *, wait: bool, json: bool) -> None:
    if json:
        reasons = [{"path": str(one.path), "reason": one.reason} for one in skipped]
        echo_json({"documents": sent, "skipped": reasons, "seconds": round(seconds, 2)})
    else:
        state = "searchable" if wait else "accepted"
        documents = "document" if sent == 1 else "documents"
        also = f", {len(skipped)} skipped" if skipped else ""
        typer.echo(f"{sent} {documents} {state} in {seconds:.1f} s{also}")
        for one in skipped[:SHOWN_SKIPS]:
            typer.echo(f"  skipped {one.path}: {one.reason}")
        if len(skipped) > SHOWN_SKIPS:
            typer.echo(f"  … and {len(skipped) - SHOWN_SKIPS} more: --json lists them all")
    if not sent:
        why = "the files are empty, not text, or were refused (see above)" if skipped else "there are no files here"
        raise HeadwaterError(f"nothing was ingested: {why}")
