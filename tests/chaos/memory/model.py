"""What must be served, told from the log of documents alone, by a dictionary."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headwater_kit.bus.ports import Record

ORIGIN = "headwater-origin"
VERSION = "headwater-version"
# A body of one paragraph a chunk; the names of its revision and of its place in it are words of each.
FILLER = " ".join(f"word{number}" for number in range(16))
POISON = b"\xff\xfe not text"


def body(document: int, revision: int, paragraphs: int) -> bytes:
    """The text of a revision."""
    return "\n\n".join(
        f"doc{document} rev{revision} s{revision}x{place} {FILLER}" for place in range(paragraphs)
    ).encode()


@dataclass(frozen=True, order=True)
class Origin:
    """Where an event first stood; `time_ms` of its produce."""

    topic: str
    partition: int
    offset: int
    time_ms: int


@dataclass(frozen=True)
class Served:
    """A document's last accepted event."""

    version: int
    value: bytes | None
    origin: Origin
    place: tuple[int, int]

    @property
    def chunk_count(self) -> int:
        """Rows that must be stored."""
        return 0 if self.value is None else self.value.count(b"\n\n") + 1


def origin_of(record: Record) -> Origin:
    """The record's own place, or the one it says."""
    header = record.headers.get(ORIGIN)
    if header is None:
        return Origin(record.topic, record.partition, record.offset, round(record.timestamp * 1000))
    topic, partition, offset, time_ms = header.decode().split("/")
    return Origin(topic, int(partition), int(offset), int(time_ms))


def origin_header(record: Record) -> bytes:
    """The header that says where this record first stood."""
    origin = origin_of(record)
    return f"{origin.topic}/{origin.partition}/{origin.offset}/{origin.time_ms}".encode()


def is_poison(value: bytes | None) -> bool:
    """Whether ingest must put it aside."""
    return value is not None and value.startswith(b"\xff")


def expected(records: Iterable[Record]) -> Mapping[bytes, Served]:
    """The documents by key, from the records of their own partitions in order."""
    served: dict[bytes, Served] = {}
    for record in records:
        if record.key is None or is_poison(record.value):
            continue
        if (accepted := decide(served.get(record.key), record)) is not None:
            served[record.key] = accepted
    return served


def decide(before: Served | None, record: Record) -> Served | None:
    """What the record makes of its document; None where it comes too late."""
    given = record.headers.get(VERSION)
    origin, place = origin_of(record), (record.partition, record.offset)
    if before is None:
        return Served(int(given) if given else 1, record.value, origin, place)
    if given is not None:
        return Served(int(given), record.value, origin, place) if int(given) > before.version else None
    if (origin.topic, origin.partition) == (before.origin.topic, before.origin.partition):
        is_later = origin.offset > before.origin.offset
    else:
        # Within a millisecond the names of the places decide: any order will do, if it is always the same.
        is_later = rank(origin) > rank(before.origin)
    return Served(before.version + 1, record.value, origin, place) if is_later else None


def rank(origin: Origin) -> tuple[int, str, int, int]:
    """Orders events of different partitions."""
    return origin.time_ms, origin.topic, origin.partition, origin.offset
