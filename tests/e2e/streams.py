"""A stream of documents by a bare client, what its log says must be found, and what the store holds."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

from chaos.stored import SEPARATOR, Held
from confluent_kafka import KafkaException, Message
from e2e.polling import until
from e2e.records import CANONICAL, Ends, Records, headers_of, key_of
from headwater_client import Client
from headwater_kit.core.errors import Transient

TOPIC = "documents.v1"
SENT_ON = "headwater-origin"
SENTENCE = "The {} of {} was seen in revision {} and nowhere else. "

Texts = Mapping[str, str | None]
Event = tuple[str, str | None]


def body(document_id: str, revision: int) -> str:
    """A text that no other document or revision has; every eighth document's is some chunks long."""
    long = int(document_id.split("-")[1]) % 8 == 0
    part = SENTENCE.format("heron", document_id, revision)
    if not long:
        return part.strip()
    # About 270 of the encoder's tokens a paragraph, so that each makes a chunk.
    words = ("heron", "otter", "plover")
    return "\n\n".join((SENTENCE.format(word, document_id, revision) * 12).strip() for word in words)


def stream(seed: str, documents: int = 50, events: int = 150) -> Sequence[Event]:
    """Writes, edits and deletions, mixed; None deletes."""
    rng = random.Random(seed)
    ids = [f"doc-{number}" for number in range(documents)]
    chosen = [*ids, *rng.choices(ids, k=events - documents)]
    revisions: dict[str, int] = defaultdict(int)
    made: list[Event] = []
    for document_id in chosen:
        revisions[document_id] += 1
        is_deleted = revisions[document_id] > 1 and rng.random() < 0.25
        made.append((document_id, None if is_deleted else body(document_id, revisions[document_id])))
    return made


class Source:
    """Writes events as foreign clients do: half of the documents in partitions that are not their keys' own."""

    def __init__(self, records: Records, tenant: str) -> None:
        self._records = records
        self._tenant = tenant
        settings: dict[str, str | int] = {"enable.idempotence": "true", "linger.ms": 1}
        self._producers = [records.producer(**settings, **CANONICAL), records.producer(**settings)]

    def write(self, events: Sequence[Event]) -> None:
        """Returns once the broker has all of them."""
        for document_id, text in events:
            producer = self._producers[int(document_id.split("-")[1]) % 2]
            producer.produce(TOPIC, text and text.encode(), key=key_of(self._tenant, document_id))
        for producer in self._producers:
            assert producer.flush(30) == 0


def expected(records: Records, tenant: str, start: Ends) -> dict[str, str | None]:
    """What the log alone says: each document's last text, None where it is deleted.

    A key's records stand in one partition in the order in which they were
    written; what Headwater sent on from there is not the input.
    """
    found: dict[str, str | None] = {}
    for message in _log(records, start):
        tenant_of, _, document_id = (message.key() or b"").decode().partition("\x1f")
        if tenant_of == tenant and SENT_ON not in headers_of(message):
            value = message.value()
            found[document_id] = None if value is None else value.decode()
    return found


def _log(records: Records, start: Ends) -> list[Message]:
    left = {partition: end for partition, end in records.ends(TOPIC).items() if end > start[partition]}
    read: list[Message] = []
    for message in records.since(TOPIC, {partition: start[partition] for partition in left}):
        read.append(message)
        if (message.offset() or 0) + 1 >= left.get(message.partition() or 0, 0):
            left.pop(message.partition() or 0, None)
        if not left:
            return read
    raise AssertionError("the log did not end in time")


def settle(client: Client, records: Records, seconds: float = 60.0) -> None:
    """Returns once searches see all that is in the log, what was sent on to other partitions included."""

    def settled() -> bool:
        try:
            seen = {position.partition: position.offset for position in client.watermark()}
            return all(seen.get(partition, -1) + 1 >= end for partition, end in records.ends(TOPIC).items())
        except (Transient, KafkaException):
            return False

    until(settled, seconds, "the end of the log in searches")


def wrong_in_store(milvus_uri: str, tenant: str, texts: Texts) -> dict[str, list[str]]:
    """Documents that are lost, doubled, ghosts or mixed of versions, with what is wrong; empty where all is well."""
    wanted = {f"{tenant}{SEPARATOR}{document_id}": frozenset({text}) for document_id, text in texts.items()}
    faults = Held.of(milvus_uri, tenant).faults(wanted)
    return {kind: sentences for kind, sentences in faults.items() if sentences}


def served_in_store(milvus_uri: str, tenant: str) -> dict[str, int]:
    """The version that the store's ledger names, by document."""
    ledger = Held.of(milvus_uri, tenant).ledger
    return {key.partition(SEPARATOR)[2]: int(rows[0]["version"]) for key, rows in ledger.items()}
