"""The broker as a bare client has it: reading whole topics, their ends, and what groups have committed."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

REQUEST_SECONDS = 10.0
LARGEST_BYTES = 100 * 1024 * 1024
READ_SECONDS = 60.0

Ends = Mapping[int, int]


def headers_of(message: Message) -> dict[str, bytes]:
    """A record's headers."""
    return {name: value or b"" for name, value in message.headers() or []}


def milliseconds_of(message: Message) -> int:
    """A record's time, in milliseconds since the epoch."""
    return int(message.timestamp()[1])


@dataclass(frozen=True, slots=True)
class Records:
    """A broker at `host:port`. Every call opens a connection of its own and raises KafkaException."""

    bootstrap: str

    def topics(self) -> set[str]:
        """The names of all topics."""
        with self.consumer() as consumer:
            return set(consumer.list_topics(timeout=REQUEST_SECONDS).topics)

    def ends(self, topic: str) -> dict[int, int]:
        """The next offset of each partition; empty where there is no such topic."""
        with self.consumer() as consumer:
            found = consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
            places = [TopicPartition(topic, partition) for partition in found.partitions]
            return {at.partition: consumer.get_watermark_offsets(at, timeout=REQUEST_SECONDS)[1] for at in places}

    def committed(self, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """What the group has committed of each partition; negative where nothing."""
        with self.consumer(group) as consumer:
            places = [TopicPartition(topic, partition) for partition in partitions]
            return {at.partition: at.offset for at in consumer.committed(places, timeout=REQUEST_SECONDS)}

    def assigned(self, group: str, instance: str) -> int:
        """How many partitions the static member of that name has."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        described = admin.describe_consumer_groups([group], request_timeout=REQUEST_SECONDS)[group].result()
        members = [member for member in described.members if member.group_instance_id == instance]
        return sum(len(member.assignment.topic_partitions) for member in members if member.assignment)

    def between(self, topic: str, start: Ends, end: Ends) -> Iterator[Message]:
        """The records from `start` up to `end`. Raises TimeoutError where they do not come within a minute."""
        left = {partition: until for partition, until in end.items() if until > start.get(partition, 0)}
        deadline = time.monotonic() + READ_SECONDS
        with self.consumer() as consumer:
            consumer.assign([TopicPartition(topic, partition, start.get(partition, 0)) for partition in left])
            while left:
                message = consumer.poll(0.2)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{topic} did not end: {left} are missing")
                if message is None:
                    continue
                if (error := message.error()) is not None:
                    raise KafkaException(error)
                yield message
                if (message.offset() or 0) + 1 >= left.get(message.partition() or 0, 0):
                    left.pop(message.partition() or 0, None)

    def consumer(self, group: str = "chaos", **config: str | int | bool) -> Consumer:
        """A consumer that neither joins the group nor commits unless asked."""
        return Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": LARGEST_BYTES,
                "receive.message.max.bytes": 2 * LARGEST_BYTES,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
                **config,
            }
        )
