"""A set's documents into the index, those that are not there yet."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from headwater_client import Client
from headwater_kit.core.documents import Lane, Position
from headwater_kit.core.errors import NotFound, NotYet, Unavailable
from rich.progress import Progress

from headwater_cli.commands.ingest import SENDERS, patiently, send
from headwater_cli.evaluation.collection import CONTENT_KEY, Collection, LabelledDocument

T = TypeVar("T")
# Documents that are in memory at a time.
BATCH = 1_024
# As long as retrieve waits at most for the index.
SETTLE_MS = 30_000


@dataclass(slots=True)
class Indexed:
    """What became of a corpus: places in the log of what was sent, and counts and reasons of the rest."""

    written: dict[str, Position] = field(default_factory=dict)
    unchanged: int = 0
    empty: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def index_corpus(client: Client, collection: Collection, lane: Lane, progress: Progress) -> Indexed:
    """Sends each document of which the platform does not hold this very content; returns when all are accepted.

    What another run has sent is passed over, so that one that was stopped goes on.
    """
    indexed, task = Indexed(), progress.add_task("indexed", total=None)
    with ThreadPoolExecutor(SENDERS) as pool:
        for batch in _batches(collection.documents(), BATCH):
            filled = [document for document in batch if not document.is_empty]
            indexed.empty += len(batch) - len(filled)
            outcomes = pool.map(lambda one: _send_if_new(client, one, lane), filled)
            for document, outcome in zip(filled, outcomes, strict=True):
                _note(indexed, document.document_id, outcome)
            progress.advance(task, len(batch))
    return indexed


def wait_settled(client: Client) -> None:
    """Returns once searches see all that is in the log now. Raises Unavailable where that takes too long."""
    try:
        # What it looks for does not matter, what it waits for does.
        patiently(lambda: client.search("-", top_k=1, max_staleness_ms=0, wait_ms=SETTLE_MS))
    except NotYet as error:
        raise Unavailable(f"{error.message}: see `headwater status`, and run this again, it goes on") from error


def _send_if_new(client: Client, document: LabelledDocument, lane: Lane) -> Position | str | None:
    """Its place in the log, why it was refused, or None where nothing had to be done."""
    try:
        stored = patiently(lambda: client.get(document.document_id))
        if not stored.deleted and stored.info.metadata.get(CONTENT_KEY) == document.content:
            return None
    except NotFound:
        pass
    return send(client, document, lane)


def _note(indexed: Indexed, document_id: str, outcome: Position | str | None) -> None:
    if outcome is None:
        indexed.unchanged += 1
    elif isinstance(outcome, Position):
        indexed.written[document_id] = outcome
    else:
        indexed.refused[document_id] = outcome


def _batches(source: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(source, size)):
        yield batch
