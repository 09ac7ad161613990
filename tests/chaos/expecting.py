"""What must be found in the end, computed from the input log alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chaos.judging import Judged, judged
from chaos.records import Ends, Records, headers_of, milliseconds_of
from chaos.workload import BACKFILL, DOCUMENTS, WRITE_ID
from confluent_kafka import Message


@dataclass(frozen=True, slots=True)
class Input:
    """One write as it first stood in the log."""

    write_id: str
    topic: str
    partition: int
    offset: int
    milliseconds: int
    key: str | None
    judged: Judged


@dataclass(frozen=True, slots=True)
class Expected:
    """By document, the texts of which one must be found (None: none at all), and the reasons of what is put aside.

    There is more than one where events without versions, from different
    partitions, are of the same millisecond: either order is right.
    """

    texts: Mapping[str, frozenset[str | None]]
    poison: Mapping[str, str]
    events: int


def inputs(records: Records, tenant: str, start: Mapping[str, Ends], ends: Mapping[str, Ends]) -> list[Input]:
    """The tenant's writes. What the platform sent on has the headers of what it was sent for, and is later."""
    first: dict[str, Input] = {}
    for topic in (BACKFILL, DOCUMENTS):
        for message in records.between(topic, start[topic], ends[topic]):
            write_id = headers_of(message).get(WRITE_ID, b"").decode()
            if not write_id.startswith(f"{tenant}/"):
                continue
            found = _input(write_id, topic, message)
            known = first.get(write_id)
            if known is None or found.milliseconds < known.milliseconds:
                first[write_id] = found
    return list(first.values())


def expected(found: Sequence[Input]) -> Expected:
    """By version where the producer gives one; otherwise by place within a partition, by time across them."""
    by_document: dict[str, list[Input]] = defaultdict(list)
    for each in found:
        if each.key is not None and not each.judged.reason:
            by_document[each.key].append(each)
    poison = {each.write_id: each.judged.reason for each in found if each.judged.reason}
    return Expected({key: _last(events) for key, events in by_document.items()}, poison, len(found))


def _last(events: Iterable[Input]) -> frozenset[str | None]:
    events = list(events)
    if any(event.judged.version is not None for event in events):
        last = max(event.judged.version or 0 for event in events)
        return frozenset(event.judged.text for event in events if event.judged.version == last)
    latest = max(event.milliseconds for event in events)
    # Within a partition the place decides, also within one millisecond.
    of_partition: dict[tuple[str, int], Input] = {}
    for event in sorted(events, key=lambda event: event.offset):
        if event.milliseconds == latest:
            of_partition[event.topic, event.partition] = event
    return frozenset(event.judged.text for event in of_partition.values())


def _input(write_id: str, topic: str, message: Message) -> Input:
    key, value = message.key(), message.value()
    return Input(
        write_id,
        topic,
        message.partition() or 0,
        message.offset() or 0,
        milliseconds_of(message),
        None if key is None else key.decode(),
        judged(key, value, headers_of(message)),
    )
