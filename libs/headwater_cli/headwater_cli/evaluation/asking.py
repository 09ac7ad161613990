"""A set's queries, asked of the running platform."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from headwater_client import Client
from headwater_kit.core.errors import InvalidInput, Transient

from headwater_cli.evaluation.collection import LabelledQuery

TRIES = 5
REST_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and what came of it: documents by their best passage, best first, and how long the caller waited.

    `milliseconds` are those of the call that was answered; `retries` says how
    often it was refused before. `error` says why there is no answer.
    """

    query: LabelledQuery
    documents: tuple[str, ...] = ()
    milliseconds: float = 0.0
    missing_legs: tuple[str, ...] = ()
    retries: int = 0
    error: str = ""


def ask(
    client: Client, queries: Sequence[LabelledQuery], options: Mapping[str, Any], concurrency: int
) -> Iterator[Asked]:
    """Asks all of them, so many at a time, and yields the outcomes in their order.

    `options` are arguments of the client's `search`, in the best order known
    unless they say otherwise. A query that is refused
    for what it says has an error; what the other queries would meet too is raised.
    """
    options = {"exploit_only": True, **options}
    with ThreadPoolExecutor(concurrency) as pool:
        try:
            yield from pool.map(lambda query: _ask(client, query, options), queries)
        finally:
            pool.shutdown(cancel_futures=True)


def _ask(client: Client, query: LabelledQuery, options: Mapping[str, Any]) -> Asked:
    for attempt in range(TRIES):
        started = time.perf_counter()
        try:
            found = client.search(query.text, **options)
        except InvalidInput as error:
            if error.field not in {"query", ""}:
                raise
            return Asked(query, retries=attempt, error=error.message)
        except Transient:
            if attempt == TRIES - 1:
                raise
            time.sleep(REST_SECONDS * 2**attempt)
            continue
        milliseconds = (time.perf_counter() - started) * 1_000
        # A document stands where its best passage does.
        documents = tuple(dict.fromkeys(passage.document_id for passage in found.passages))
        return Asked(query, documents, milliseconds, found.missing_legs, attempt)
    raise AssertionError("the last try returns or raises")
