"""Kafka's messages as records."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, Message

from headwater_kit.bus.kafka.faults import is_fence, to_error
from headwater_kit.bus.ports import Record, TopicPartition
from headwater_kit.core.errors import HeadwaterError

# How long a poll may keep its thread from other calls.
SLICE_SECONDS = 0.02
# A poll ends after the record that passes it: 64 documents may be 4 GiB.
MAX_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class Batch:
    """What one poll gives: records, partitions read to their end, and a fault."""

    records: list[Record] = field(default_factory=list)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    fault: HeadwaterError | None = None
    # Why the group does not take this member any more, or yet.
    fence: str = ""
    _bytes: int = 0

    def fill(self, client: Consumer, max_records: int, timeout_seconds: float, is_wanted: Callable[[], bool]) -> None:
        """Waits for a first message, then takes what else is there; ends early when the thread is wanted.

        One by one: `Consumer.consume` would wait for the batch to fill, and
        would not tell which of its messages came before a rebalance.
        """
        message = _first(client, timeout_seconds, is_wanted)
        while message is not None:
            self._add(message)
            if len(self.records) >= max_records or self._bytes >= MAX_BATCH_BYTES:
                break
            message = client.poll(0.0)

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """Drops records of partitions that are taken away while the batch is filled."""
        self.records = [record for record in self.records if record.source not in partitions]

    def _add(self, message: Message) -> None:
        error = message.error()
        if error is None:
            self.records.append(to_record(message))
            self._bytes += len(message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            self.ends[_source(message)] = message.offset() or 0
        elif is_fence(error):
            self.fence = error.str()
        elif error.code() == KafkaError._FATAL:  # noqa: SLF001
            # The client is beyond use and would say so at every poll; only a new process helps.
            self.fault = HeadwaterError(f"reading ended for good: {error.str()}")
        else:
            self.fault = to_error(error, "reading")


def to_record(message: Message) -> Record:
    """The message in the project's words; of headers of one name the last counts."""
    source = _source(message)
    _, timestamp_ms = message.timestamp()
    headers = {name: _bytes(value) for name, value in dict(message.headers() or ()).items()}
    return Record(
        source.topic, source.partition, message.offset() or 0, message.key(), message.value(), headers,
        timestamp_ms / 1000,
    )  # fmt: skip


def _first(client: Consumer, timeout_seconds: float, is_wanted: Callable[[], bool]) -> Message | None:
    for _ in range(math.ceil(timeout_seconds / SLICE_SECONDS)):
        message = client.poll(SLICE_SECONDS)
        # Not by truth: a message is as long as its value, so a tombstone would be false.
        if message is not None:
            return message
        if is_wanted():
            return None
    return None


def _source(message: Message) -> TopicPartition:
    return TopicPartition(message.topic() or "", message.partition() or 0)


def _bytes(value: str | bytes | None) -> bytes:
    return value.encode() if isinstance(value, str) else value or b""
