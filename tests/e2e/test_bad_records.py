"""Records that nobody can process: put aside with a reason, whole, and in nobody's way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from confluent_kafka import Message
from e2e.laptop import Laptop
from e2e.polling import accepted, until
from e2e.records import CANONICAL, Ends, Records, headers_of, key_of
from headwater_client import Client, DocumentState
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import NotFound

TOPIC = "documents.v1"
LETTERS = "documents.v1.ingest.dead-letter"
PREFIX = "headwater-dead-letter-"
FIFTY_MB = 50 * 1024 * 1024
# The record is compressed on its way, so producer and broker see a small one.
LARGE = {**CANONICAL, "compression.type": "zstd", "message.max.bytes": 64 * 1024 * 1024}


@dataclass(frozen=True)
class Bad:
    """A record and the reason that it must be put aside for; `id` names its document, None gives it no key."""

    reason: str
    value: bytes | None
    id: str | None = "bad"
    headers: Mapping[str, bytes] = field(default_factory=dict)


JSON_TYPE = {"content-type": b"application/json"}
BAD = {
    "not protobuf": Bad("UNDECODABLE", b"\xff\xff\xff", headers={"content-type": b"application/x-protobuf"}),
    "not JSON": Bad("UNDECODABLE", b'{"text": "unfinished', headers=JSON_TYPE),
    "JSON, not an object": Bad("UNDECODABLE", b'["text"]', headers=JSON_TYPE),
    "unknown field": Bad("UNDECODABLE", b'{"text": "a", "txet": "b"}', headers=JSON_TYPE),
    "unknown media type": Bad("UNKNOWN_MEDIA_TYPE", b"GIF89a", headers={"content-type": b"image/gif"}),
    "unknown media type in JSON": Bad("UNKNOWN_MEDIA_TYPE", b'{"text": "a", "media_type": "application/pdf"}'),
    "empty": Bad("EMPTY_TEXT", b""),
    "blank": Bad("EMPTY_TEXT", b" \n\t "),
    "empty JSON text": Bad("EMPTY_TEXT", b'{"title": "a title alone"}'),
    "HTML without text": Bad("EMPTY_TEXT", b"<p><!-- nothing --></p>", headers={"content-type": b"text/html"}),
    "invalid UTF-8": Bad("INVALID_UTF8", b"caf\xe9 au lait", headers={"content-type": b"text/plain"}),
    "invalid UTF-8 in JSON": Bad("INVALID_UTF8", b'{"text": "caf\xe9"}', headers=JSON_TYPE),
    "nested metadata": Bad("INVALID_METADATA", b'{"text": "a", "metadata": {"a": {"b": 1}}}'),
    "version that is no number": Bad("INVALID_VERSION", b"text", headers={"headwater-version": b"latest"}),
    "id of 10,000 characters": Bad("INVALID_KEY", b"text", id="x" * 10_000),
    "id with a control character": Bad("INVALID_KEY", b"text", id="line\nbreak"),
    "no key": Bad("MISSING_KEY", b"text", id=None),
    "no key, no value": Bad("MISSING_KEY", None, id=None),
    "50 MB": Bad("TOO_LARGE", b"fifty megabytes " * (FIFTY_MB // 16)),
}


@pytest.fixture(scope="module")
def letters_from(records: Records) -> Ends:
    return records.ends(LETTERS)


def produce(records: Records, tenant: str, bad: Bad) -> tuple[Position, bytes | None]:
    key = None if bad.id is None else key_of(tenant, bad.id)
    headers = {"x-origin": b"\x00\x01 kept as it is", **bad.headers}
    return records.produce(TOPIC, bad.value, key, headers, LARGE), key


def letter_of(records: Records, start: Ends, source: Position) -> Message:
    wanted = {f"{PREFIX}partition": b"%d" % source.partition, f"{PREFIX}offset": b"%d" % source.offset}
    return records.first(LETTERS, start, lambda message: wanted.items() <= headers_of(message).items())


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_put_aside_whole_with_its_reason(
    records: Records, tenant: str, letters_from: Ends, name: str
) -> None:
    bad = BAD[name]
    source, key = produce(records, tenant, bad)
    letter = letter_of(records, letters_from, source)
    assert letter.key() == key
    # Compared as a truth: the difference of two 50 MB values is nothing to print.
    is_same = letter.value() == bad.value
    assert is_same
    headers = headers_of(letter)
    assert headers[f"{PREFIX}reason"].decode() == bad.reason
    assert headers["x-origin"] == b"\x00\x01 kept as it is"
    assert {name: headers[name] for name in bad.headers} == dict(bad.headers)
    told = {name.removeprefix(PREFIX): value.decode() for name, value in headers.items() if name.startswith(PREFIX)}
    assert (told["topic"], told["service"], told["attempts"]) == (TOPIC, "ingest", "1")
    assert told.keys() >= {"timestamp", "error", "version", "trace-id"}
    assert "Traceback" not in told["error"]


def test_neighbours_of_bad_records_are_not_affected(
    client: Client, laptop: Laptop, records: Records, tenant: str, letters_from: Ends
) -> None:
    goods = []
    sources = []
    for number, bad in enumerate(BAD.values()):
        # One good record before each bad one, and one of the bad one's own document after it.
        goods.append(records.produce(TOPIC, b"Good text, number %d." % number, key_of(tenant, f"good-{number}")))
        sources.append(produce(records, tenant, bad)[0])
    after = records.produce(TOPIC, json.dumps({"text": "Good text at last."}).encode(), key_of(tenant, "bad"))
    latest = {position.partition: position for position in sorted([*goods, *sources, after])}
    found = client.search("good text", top_k=100, min_positions=list(latest.values()), wait_ms=30_000)
    assert {passage.document_id for passage in found.passages} == {"bad", *(f"good-{n}" for n in range(len(BAD)))}
    assert accepted(client, "bad", 1).version == 1

    shown = laptop.json("status")
    assert shown["faults"] == []
    (letters,) = [letters for letters in shown["dead_letters"] if letters["topic"] == LETTERS]
    assert letters["count"] >= len(BAD)
    assert letters["reasons"].keys() >= {bad.reason for bad in BAD.values()}
    until(lambda: all(lag["lag"] == 0 for lag in laptop.json("status")["lags"]), what="no lag")


def test_a_watch_tells_why_a_record_was_rejected(client: Client, laptop: Laptop, records: Records, tenant: str) -> None:
    source = records.produce(TOPIC, b" ", key_of(tenant, "blank"))
    last = list(client.watch("blank", until=source))[-1]
    assert (last.state, last.reason, last.position) == (DocumentState.REJECTED, "EMPTY_TEXT", source)
    # Whoever comes later is told, too.
    with pytest.raises(NotFound, match="EMPTY_TEXT") as refused:
        client.get("blank")
    assert refused.value.reason == "REJECTED"
    assert "EMPTY_TEXT" in laptop("watch", "blank", "--once", "--tenant", tenant).stdout


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        pytest.param("questions.v1", b'{"text": ', "UNDECODABLE", id="question that is no JSON"),
        pytest.param("questions.v1", b'{"text": ""}', "INVALID_INPUT", id="empty question"),
        pytest.param("feedback.v1", b'{"impression_id": "a", "reaction": "meh"}', "INVALID_INPUT", id="no reaction"),
        pytest.param("feedback.v1", b"\xff\xff\xff", "UNDECODABLE", id="feedback that is no protobuf"),
    ],
)
def test_other_topics_put_aside_what_they_cannot_read(records: Records, topic: str, value: bytes, reason: str) -> None:
    group = "generate" if topic == "questions.v1" else "feedback"
    letters = f"{topic}.{group}.dead-letter"
    start = records.ends(letters)
    records.produce(topic, value, b"bad")
    letter = records.first(letters, start, lambda message: message.value() == value)
    assert (letter.key(), headers_of(letter)[f"{PREFIX}reason"].decode()) == (b"bad", reason)
