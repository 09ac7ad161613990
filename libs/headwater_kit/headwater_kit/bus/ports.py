"""The bus as the services see it: records in, records out, a compacted table.

Adapters: `bus.kafka` (confluent-kafka) and `bus.memory` (a broker in this
process). One contract suite, `testing.bus_contract`, holds for both.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Headers = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, order=True)
class TopicPartition:
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as consumed. `timestamp` in seconds since the epoch; a value of None is a tombstone."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: float

    @property
    def source(self) -> TopicPartition:
        """Where the record stands."""
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Outbound:
    """A record to produce. `partition` None means by the key's hash (murmur2, as Kafka's own clients)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=dict)
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """Where an acknowledged record stands; all in-sync replicas have it."""

    topic: str
    partition: int
    offset: int


class Producer(Protocol):
    """Writes records, idempotently and in order per partition."""

    async def send(self, record: Outbound) -> Ack:
        """Returns once the record is acknowledged.

        Records are put on the wire in the order of the calls, so concurrent
        sends to one partition keep the order in which they were called.
        Waits while the local queue is full. Raises Unavailable when the broker
        does not acknowledge in time; the record may still arrive then, but no
        later one to its partition ever overtakes it. Raises InvalidInput
        (TOO_LARGE) when the record is over the topic's limit, Misconfigured
        when the topic is not there; both before anything is written.
        """
        ...

    async def flush(self, seconds: float) -> int:
        """Waits for outstanding acknowledgements; returns how many are still missing."""
        ...

    async def close(self) -> None:
        """Flushes and lets go; later sends raise Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class RebalanceListener:
    """What to do when partitions come and go; awaited by `poll` and `close`, before they return.

    `revoked` runs before the partitions are given up, so a commit in it counts;
    the group waits for it, so it must be short. `lost` runs where others may
    have them already: nothing may be done in their name any more.
    """

    assigned: Callable[[Sequence[TopicPartition]], Awaitable[None]]
    revoked: Callable[[Sequence[TopicPartition]], Awaitable[None]]
    lost: Callable[[Sequence[TopicPartition]], Awaitable[None]]


class Consumer(Protocol):
    """Reads as a member of a group. Offsets are committed by `commit` alone.

    One task polls; `pause`, `resume` and `commit` may be called by others while
    it waits, and may make `poll` return early. A partition that goes and comes
    back starts at its committed offset and is not paused.
    """

    @property
    def lease_seconds(self) -> float:
        """For how long after the start of a poll no other member is given this one's partitions.

        A member that polls again only after longer than this, or that the group
        has put out, loses all it had at that poll and joins anew.
        """
        ...

    async def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        """Joins the group; a group without offsets starts at the beginning."""
        ...

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """Returns up to `max_records` in offset order per partition; maybe none.

        Must be called often, paused or not, or the group takes the partitions away.
        Raises Unavailable on a lasting fault.
        """
        ...

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Polls return no records of these until `resume`."""
        ...

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Polls return records of these again."""
        ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commits next offsets to read, synchronously.

        Partitions no longer owned are ignored. Raises Unavailable.
        """
        ...

    async def close(self) -> None:
        """Leaves the group. Uncommitted records will be delivered again."""
        ...


class Reader(Protocol):
    """Reads all partitions of a topic from the beginning, outside any group."""

    async def end_offsets(self) -> Mapping[int, int]:
        """The offset after the last record of each partition, now. Raises Unavailable."""
        ...

    async def offsets_at(self, time_seconds: float) -> Mapping[int, int]:
        """Of each partition the first offset whose timestamp is at or after a time since the epoch.

        The end, where there is none. Times count to the millisecond. Raises Unavailable.
        """
        ...

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """Returns the next records in offset order per partition; maybe none."""
        ...

    async def positions(self) -> Mapping[int, int]:
        """The next offset to be read of each partition; compacted gaps count as read."""
        ...

    async def close(self) -> None:
        """Lets go."""
        ...


class Bus(Protocol):
    """Makes the four kinds of clients and tells whether the broker is there."""

    def producer(self, linger_ms: int = 0) -> Producer:
        """A producer of this service; with `linger_ms` a record waits so long for others to go with it."""
        ...

    def consumer(self, group: str) -> Consumer:
        """A consumer in `group`."""
        ...

    def reader(self, topic: str, start: Mapping[int, int] | None = None) -> Reader:
        """A reader of `topic`; `start` gives first offsets, the rest begin at the beginning."""
        ...

    async def create_topics(self, names: Sequence[str]) -> None:
        """Creates the missing ones of these declared topics (`bus.topics`).

        Raises Misconfigured where an existing one has another partition count.
        """
        ...

    async def ping(self, seconds: float) -> None:
        """Returns if the broker answers within `seconds`; raises Unavailable if not."""
        ...
