"""A dead letter: what it says of itself, and of the record in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from headwater_kit.bus.dead_letters import PREFIX
from headwater_kit.bus.ports import Headers, Record
from headwater_kit.bus.topics import GROUPS, TOPICS, dead_letter
from headwater_kit.codec.headers import ORIGIN
from headwater_kit.codec.origins import origin_from_header
from headwater_kit.core.documents import DocumentKey, Origin, Position, document_of
from headwater_kit.core.errors import InvalidInput

# On a redriven record: how many times it has been. It stays on the dead letter if the record is put aside again.
REDRIVE_COUNT = "headwater-redrives"
UNKNOWN = "UNKNOWN"
# The topic and the group behind each dead-letter topic.
PARTIES: Mapping[str, tuple[str, str]] = {
    dead_letter(topic.name, group): (topic.name, group) for group, topics in GROUPS.items() for topic in topics
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record stands; written `topic/partition/offset`."""

    topic: str
    partition: int
    offset: int

    @classmethod
    def of(cls, record: Record) -> "Place":
        """The record's place."""
        return cls(record.topic, record.partition, record.offset)

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place that `text` names. Raises InvalidInput."""
        topic, _, rest = text.partition("/")
        partition, _, offset = rest.partition("/")
        if not topic or not _is_number(partition) or not _is_number(offset):
            raise InvalidInput(f"{text!r} is no place: it is written topic/partition/offset", field="place")
        return cls(topic, int(partition), int(offset))

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is known of a dead letter without its value; times in seconds since the epoch.

    `source` is where the record stood when it was put aside, None where the
    letter does not say; `origin` is where it first stood, the same unless it had
    been sent on. `size_bytes` is None of a deletion. `closed` letters were redriven.
    """

    place: Place
    group: str
    source_topic: str
    source: Place | None
    origin: Origin | None
    key: bytes | None
    size_bytes: int | None
    reason: str
    error: str
    attempts: int
    service_version: str
    trace_id: str
    redrives: int
    put_aside_time: float
    closed: bool = False

    @property
    def document(self) -> DocumentKey | None:
        """The document that the record is about, if its topic is one of documents and its key names one."""
        if not TOPICS[self.source_topic].key.startswith("document"):
            return None
        try:
            return document_of(self.key)
        except InvalidInput:
            return None


def letter_of(record: Record) -> Letter:
    """What a record of a dead-letter topic says of itself; what it leaves out is empty."""
    facts = _facts(record.headers)
    topic, group = PARTIES[record.topic]
    source = _source(topic, facts)
    return Letter(
        place=Place.of(record),
        group=group,
        source_topic=topic,
        source=source,
        origin=_origin(record, source, facts),
        key=record.key,
        size_bytes=None if record.value is None else len(record.value),
        reason=facts.get("reason", UNKNOWN),
        error=facts.get("error", ""),
        attempts=_number(facts.get("attempts", "")) or 0,
        service_version=facts.get("version", ""),
        trace_id=facts.get("trace-id", ""),
        redrives=redrives_of(record.headers),
        put_aside_time=record.timestamp,
    )


def redrives_of(headers: Headers) -> int:
    """How many times the record has been redriven."""
    return _number(headers.get(REDRIVE_COUNT, b"").decode(errors="replace")) or 0


def _facts(headers: Headers) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX): value.decode(errors="replace")
        for name, value in headers.items()
        if name.startswith(PREFIX)
    }


def _source(topic: str, facts: Mapping[str, str]) -> Place | None:
    partition, offset = _number(facts.get("partition", "")), _number(facts.get("offset", ""))
    if facts.get("topic") != topic or partition is None or offset is None:
        return None
    return Place(topic, partition, offset)


def _origin(record: Record, source: Place | None, facts: Mapping[str, str]) -> Origin | None:
    try:
        return origin_from_header(record.headers[ORIGIN])
    except (KeyError, InvalidInput):
        pass
    try:
        produce_time = float(facts.get("timestamp", ""))
    except ValueError:
        return None
    if source is None or not math.isfinite(produce_time):
        return None
    return Origin(source.topic, Position(source.partition, source.offset), produce_time)


def _number(text: str) -> int | None:
    return int(text) if _is_number(text) else None


def _is_number(text: str) -> bool:
    # 18 digits stay below 2**63; `isdigit` alone takes in digits of other scripts.
    return text.isascii() and text.isdigit() and len(text) <= 18
