"""Documents for benches, a bare Kafka client that writes them, and the events that say what became of them."""

import asyncio
import gzip
import json
import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import OFFSET_END, Consumer, KafkaError, Message, Producer, TopicPartition
from headwater_cli.demo import corpus
from headwater_kit.bus.topics import DOCUMENTS, INDEXED, PARTITIONS
from headwater_kit.codec.events import decode
from headwater_kit.core.documents import Lane, Position
from headwater_kit.core.events import DocumentIndexed, Outcome, Provenance

# Java's clients and Headwater's hash keys so; librdkafka's own default is consistent_random.
MURMUR2 = "murmur2_random"
LETTERS = "bcdfghjklmnpqrstvwxz"
# Long enough for one chunk, short enough that thousands are embedded in a minute.
SENTENCES = 6


@dataclass(frozen=True)
class Edit:
    """A document as it is to be written, and the word that only this version of it has."""

    document_id: str
    text: str
    word: str
    title: str = ""

    def value(self) -> bytes:
        """The record's value: JSON, as any producer would write it."""
        return json.dumps({"title": self.title, "text": self.text}).encode()


def texts(data: Path | None, limit: int) -> dict[str, str]:
    """Documents by id: of `data`, a folder with `events.jsonl.gz` of snapshots, or else the demo's corpus."""
    if data is None:
        found = ((document.document_id, document.text) for document in corpus.documents())
    else:
        found = ((row["path"], row["content"]) for row in _rows(data / "events.jsonl.gz") if row["op"] == "snapshot")
    return dict(list(found)[: limit or None])


def edits(documents: dict[str, str], rng: random.Random) -> Iterator[Edit]:
    """Edits without end: each adds a line with a new word to the next document."""
    while True:
        for document_id, text in documents.items():
            word = unique_word(rng)
            yield Edit(document_id, f"{text}\n\nThe word of this version is {word}.\n", word)


def notes(documents: dict[str, str], rng: random.Random, prefix: str) -> Iterator[Edit]:
    """New small documents without end: some sentences of the corpus, and a word of their own."""
    sentences = [line.strip() for text in documents.values() for line in text.splitlines() if len(line) > 60]
    for number in range(1_000_000_000):
        word = unique_word(rng)
        chosen = "\n".join(rng.choice(sentences) for _ in range(SENTENCES))
        yield Edit(f"{prefix}/{number}", f"{chosen}\nThe word of this note is {word}.", word)


def unique_word(rng: random.Random) -> str:
    """A word that no text holds."""
    return "".join(rng.choice(LETTERS) for _ in range(14))


class BareProducer:
    """A Kafka client that knows nothing of Headwater; its calls are awaited on an event loop."""

    def __init__(self, bootstrap: str, partitioner: str = MURMUR2) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = Producer({"bootstrap.servers": bootstrap, "partitioner": partitioner, "linger.ms": 0})
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    async def write(self, edit: Edit, topic: str = DOCUMENTS.name) -> Position:
        """Where the record stands, once it is acknowledged; waits while the client's queue is full."""
        acked: asyncio.Future[Position] = self._loop.create_future()

        def told(error: KafkaError | None, message: Message) -> None:
            self._loop.call_soon_threadsafe(_settle, acked, error, message)

        while True:
            try:
                self._client.produce(topic, edit.value(), edit.document_id.encode(), on_delivery=told)
                return await acked
            except BufferError:
                await asyncio.sleep(0.01)

    def close(self) -> None:
        """Waits for what is under way, then lets go."""
        self._client.flush(10.0)
        self._closed.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._closed.is_set():
            self._client.poll(0.05)


@dataclass(frozen=True)
class Final:
    """An event that the index has done with, and when that was seen (`time.monotonic`)."""

    time: float
    position: Position
    lane: Lane
    outcome: Outcome


class Finals:
    """What comes on `indexed.v1` from now on, by a consumer in a thread."""

    def __init__(self, bootstrap: str) -> None:
        self.seen: deque[Final] = deque()
        self._known: set[tuple[Lane, Position]] = set()
        self._client = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench", "fetch.wait.max.ms": 10})
        self._client.assign([TopicPartition(INDEXED.name, number, OFFSET_END) for number in range(PARTITIONS)])
        self._closed = threading.Event()
        # The consumer must know the ends before anything is written, or it would begin behind it.
        self._client.consume(1, 1.0)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def times(self, outcome: Outcome = Outcome.UPSERTED) -> list[float]:
        """When events came to this end, in that order; writes become searchable by UPSERTED."""
        return [final.time for final in list(self.seen) if final.outcome is outcome]

    async def wait(self, count: int, patience_seconds: float, outcome: Outcome = Outcome.UPSERTED) -> bool:
        """Whether so many events come to this end; gives up when none does for so long."""
        last, moved = -1, time.monotonic()
        while (now := len(self.times(outcome))) < count:
            if now > last:
                last, moved = now, time.monotonic()
            elif time.monotonic() - moved > patience_seconds:
                return False
            await asyncio.sleep(0.05)
        return True

    def close(self) -> None:
        """Lets go."""
        self._closed.set()
        self._thread.join()
        self._client.close()

    def _read(self) -> None:
        while not self._closed.is_set():
            for message in self._client.consume(500, 0.05):
                if message.error() is None and message.value() is not None:
                    self._note(decode(DocumentIndexed, message.value()).provenance)

    def _note(self, what: Provenance) -> None:
        # An event may be told again after a restart; it is done once.
        if (what.lane, what.position) not in self._known:
            self._known.add((what.lane, what.position))
            self.seen.append(Final(time.monotonic(), what.position, what.lane, what.outcome))


async def pour(producer: BareProducer, batch: Sequence[Edit], topic: str = DOCUMENTS.name) -> list[Position]:
    """Writes all of them as fast as they are taken."""
    return await asyncio.gather(*(producer.write(edit, topic) for edit in batch))


def _settle(acked: "asyncio.Future[Position]", error: KafkaError | None, message: Message) -> None:
    if acked.done():
        return
    if error is not None:
        acked.set_exception(RuntimeError(f"a record was not acknowledged: {error.str()}"))
    else:
        acked.set_result(Position(message.partition() or 0, message.offset() or 0))


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        yield from (json.loads(line) for line in stream)
