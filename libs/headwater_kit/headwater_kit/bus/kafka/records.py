"""Kafka's messages as records."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, Message

from headwater_kit.bus.kafka.faults import to_error
from headwater_kit.bus.ports import Record, TopicPartition
from headwater_kit.core.errors import HeadwaterError

# How long a poll may keep its thread from other calls.
SLICE_SECONDS = 0.02


@dataclass(slots=True)
class Batch:
    """What one poll gave: records, partitions read to their end, and a fault."""

    records: list[Record] = field(default_factory=list)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    fault: HeadwaterError | None = None


def take_batch(client: Consumer, max_records: int, timeout_seconds: float, is_wanted: Callable[[], bool]) -> Batch:
    """Waits for a first message, then takes what else is there; ends early when the thread is wanted.

    `Consumer.consume` alone would wait for the batch to fill.
    """
    for _ in range(math.ceil(timeout_seconds / SLICE_SECONDS)):
        first = client.poll(SLICE_SECONDS)
        # Not by truth: a message is as long as its value, so a tombstone would be false.
        if first is not None:
            return _to_batch(iter((first, *client.consume(max_records - 1, 0.0))))
        if is_wanted():
            break
    return Batch()


def _to_batch(messages: Iterator[Message]) -> Batch:
    batch = Batch()
    for message in messages:
        error = message.error()
        if error is None:
            batch.records.append(to_record(message))
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            batch.ends[_source(message)] = message.offset() or 0
        else:
            batch.fault = to_error(error, "reading")
    return batch


def to_record(message: Message) -> Record:
    """The message in the project's words; of headers of one name the last counts."""
    source = _source(message)
    _, timestamp_ms = message.timestamp()
    headers = {name: _bytes(value) for name, value in dict(message.headers() or ()).items()}
    return Record(
        source.topic, source.partition, message.offset() or 0, message.key(), message.value(), headers,
        timestamp_ms / 1000,
    )  # fmt: skip


def _source(message: Message) -> TopicPartition:
    return TopicPartition(message.topic() or "", message.partition() or 0)


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
