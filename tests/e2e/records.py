"""Kafka as any producer or reader has it: a bare client, none of Headwater's code."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from headwater_kit.core.documents import Position

SEPARATOR = "\x1f"
# Where all of Headwater's own producers, and Java's, put a key; librdkafka's default is another place.
CANONICAL = {"partitioner": "murmur2_random"}
_REQUEST_SECONDS = 10.0
_LARGEST_BYTES = 100 * 1024 * 1024

Ends = Mapping[int, int]


def key_of(tenant: str, document_id: str) -> bytes:
    """The Kafka key of a tenant's document."""
    return f"{tenant}{SEPARATOR}{document_id}".encode()


def headers_of(message: Message) -> dict[str, bytes]:
    """A record's headers."""
    return {name: value or b"" for name, value in message.headers() or []}


@dataclass(frozen=True)
class Records:
    """A broker, read and written without group or guarantee."""

    bootstrap: str

    def producer(self, **config: str | int) -> Producer:
        """A producer with librdkafka's defaults, but for `config`."""
        return Producer({"bootstrap.servers": self.bootstrap, **config})

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        headers: Mapping[str, bytes] | None = None,
        config: Mapping[str, str | int] = CANONICAL,
    ) -> Position:
        """The place of one record, once the broker has it."""
        places: list[Position] = []

        def delivered(error: Any, message: Message) -> None:
            assert error is None, error
            places.append(Position(message.partition() or 0, message.offset() or 0))

        producer = self.producer(**config)
        producer.produce(topic, value, key=key, headers=list((headers or {}).items()), on_delivery=delivered)
        assert producer.flush(_REQUEST_SECONDS) == 0
        return places[0]

    def ends(self, topic: str) -> dict[int, int]:
        """The next offset of each partition."""
        consumer = self._consumer()
        try:
            return _ends(consumer, topic)
        finally:
            consumer.close()

    def since(self, topic: str, start: Ends, seconds: float = 30.0) -> Iterator[Message]:
        """The records from `start` on, as they come; ends after `seconds`."""
        consumer = self._consumer()
        consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in start.items()])
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                message = consumer.poll(0.2)
                if message is not None:
                    assert message.error() is None, message.error()
                    yield message
        finally:
            consumer.close()

    def first(self, topic: str, start: Ends, matches: Callable[[Message], bool], seconds: float = 30.0) -> Message:
        """The first record from `start` on that matches; fails when none comes in time."""
        for message in self.since(topic, start, seconds):
            if matches(message):
                return message
        raise AssertionError(f"no such record on {topic} within {seconds:.0f} s")

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "bare",
                "enable.auto.commit": False,
                "fetch.message.max.bytes": _LARGEST_BYTES,
                "receive.message.max.bytes": 2 * _LARGEST_BYTES,
            }
        )


def _ends(consumer: Consumer, topic: str) -> dict[int, int]:
    partitions = consumer.list_topics(topic, timeout=_REQUEST_SECONDS).topics[topic].partitions
    return {
        partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_REQUEST_SECONDS)[1]
        for partition in partitions
    }
