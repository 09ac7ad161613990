"""The steps of the demo, each on a running platform."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from confluent_kafka import Producer
from headwater_client import Client, ClientSettings
from headwater_kit.core.documents import Passage, Position, Principal
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import Reaction

from headwater_cli.demo.corpus import CorpusDocument
from headwater_cli.demo.figures import DemoFailed, demand

QUESTIONS = (
    "What is the with statement used for?",
    "When are the default values of function parameters evaluated?",
    "How do I sort a list in place?",
)
HANDBOOK_ID = "handbook"
HANDBOOK_QUESTION = "What is the maximum line length in the team handbook?"
LINE_LENGTHS = (100, 79, 120, 88, 99)
RANKED_QUERY = "How can I sort a list of objects by one of their attributes?"
PARAPHRASE = "What is the way to sort a list of objects by one attribute?"
VOTERS = ("ann", "ben", "cai")
VOTED_RANK = 3
# All waits of the demo; each step is expected to take a small part of it.
PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.005
TOP_K = 10
T = TypeVar("T")


def load(client: Client, corpus: Sequence[CorpusDocument], on_sent: Callable[[], None]) -> list[Position]:
    """Writes the corpus by gRPC, several documents at a time; returns the positions in the log."""

    def send(document: CorpusDocument) -> Position:
        position = _patiently(lambda: client.upsert(document.document_id, document.text, document.info))
        on_sent()
        return position

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(send, corpus))


def ask(client: Client, question: str) -> tuple[AnswerGenerated, float]:
    """The answer, and how long it took in milliseconds."""
    started = time.perf_counter()
    pieces = list(client.ask(question))
    answer = pieces[-1]
    if not isinstance(answer, AnswerGenerated):
        raise DemoFailed(f"the answer to {question!r} was cut off")
    return answer, _ms_since(started)


class BareProducer:
    """A Kafka client that knows nothing of Headwater: a key, a small JSON value, or null to delete."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})

    def write(self, document_id: str, text: str) -> None:
        """Writes a document."""
        self._send(document_id, json.dumps({"title": "Team handbook", "text": text}).encode())

    def delete(self, document_id: str) -> None:
        """Writes a tombstone."""
        self._send(document_id, None)

    def _send(self, document_id: str, value: bytes | None) -> None:
        self._producer.produce("documents.v1", key=document_id.encode(), value=value)
        demand(self._producer.flush(PATIENCE_SECONDS) == 0, "the broker did not acknowledge a record")


def handbook(line_length: int) -> str:
    """The document that is edited."""
    return (
        f"The maximum line length in this team is {line_length} characters. "
        "Names are spelled out, and every public function has a docstring."
    )


def edit(client: Client, producer: BareProducer, line_length: int) -> float:
    """Edits the handbook and returns how long it took until a search found the new text, in milliseconds."""
    started = time.perf_counter()
    producer.write(HANDBOOK_ID, handbook(line_length))
    wanted = f"is {line_length} characters"
    _until(lambda: any(wanted in text for text in _handbook_texts(client)), f"the edit to {line_length} not found")
    return _ms_since(started)


def delete(client: Client, producer: BareProducer) -> float:
    """Deletes the handbook and returns how long it took until no search found it, in milliseconds."""
    started = time.perf_counter()
    producer.delete(HANDBOOK_ID)
    _until(lambda: not _handbook_texts(client), "the deleted document is still found")
    return _ms_since(started)


def is_visible(client: Client, times: int = 20) -> bool:
    """Whether any of so many searches finds the handbook."""
    return any(_handbook_texts(client) for _ in range(times))


def rank_of(client: Client, query: str, wanted: Passage) -> int:
    """Rank of a passage for a query; one past the list's end where it is not in it."""
    found = client.search(query, top_k=TOP_K, exploit_only=True).passages
    ranks = [passage.rank for passage in found if passage.chunk.chunk_id == wanted.chunk.chunk_id]
    return ranks[0] if ranks else TOP_K + 1


def vote(settings: ClientSettings) -> tuple[Passage, float]:
    """Three users vote for the third passage of a query.

    Returns the passage, and how long it took until it ranked higher, in milliseconds.
    """
    with Client(settings) as client:
        found = client.search(RANKED_QUERY, top_k=TOP_K, exploit_only=True)
        demand(len(found.passages) >= VOTED_RANK, f"only {len(found.passages)} passages for {RANKED_QUERY!r}")
        passage = found.passages[VOTED_RANK - 1]
        started = time.perf_counter()
        for user in VOTERS:
            with Client(settings, Principal(user=user)) as voter:
                voter.react(found.impression_id, Reaction.UP, rank=VOTED_RANK)
        _until(lambda: rank_of(client, RANKED_QUERY, passage) < VOTED_RANK, "the votes did not change the ranking")
        return passage, _ms_since(started)


def _handbook_texts(client: Client) -> list[str]:
    found = _patiently(lambda: client.search(HANDBOOK_QUESTION, top_k=TOP_K))
    return [passage.chunk.text for passage in found.passages if passage.document_id == HANDBOOK_ID]


def _until(condition: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        demand(time.monotonic() < deadline, complaint)
        time.sleep(LOOK_SECONDS)


def _patiently(call: Callable[[], T]) -> T:
    """The call's result; tried again while the platform is too busy."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except HeadwaterError as error:
            if error.reason != "OVERLOADED" or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
