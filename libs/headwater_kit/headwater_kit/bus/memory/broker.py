"""What the broker keeps: logs, and who reads them."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headwater_kit.bus.memory.group import Group
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.bus.ports import Ack, Outbound, Record, TopicPartition
from headwater_kit.bus.topics import PARTITIONS, TOPICS, Topic
from headwater_kit.bus.waiting import wait_all
from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Misconfigured, Unavailable


@dataclass(slots=True)
class Log:
    """A topic's records, a list a partition; a record's offset is its index."""

    topic: Topic
    partitions: list[list[Record]]
    keyless: int = 0


@dataclass
class MemoryBroker:
    """Topics and groups of one in-process broker.

    Declared topics (`bus.topics`) come to be on first use. `away` makes every
    client see an outage: sends wait and arrive, in order, when it is over.
    Records stay until the process ends; nothing is compacted.
    """

    clock: Clock
    partitions: int = PARTITIONS
    topics: Mapping[str, Topic] = field(default_factory=lambda: TOPICS)
    logs: dict[str, Log] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    away: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def log(self, name: str) -> Log:
        """The topic's log; raises Misconfigured for a topic that is not declared."""
        if name not in self.logs:
            self.create(name, self.partitions)
        return self.logs[name]

    def create(self, name: str, partitions: int) -> None:
        """Creates a declared topic; raises Misconfigured if it is there with another partition count."""
        if name not in self.topics:
            raise Misconfigured(f"topic {name} is not declared: see bus.topics")
        log = self.logs.setdefault(name, Log(self.topics[name], [[] for _ in range(partitions)]))
        if len(log.partitions) != partitions:
            raise Misconfigured(f"topic {name} has {len(log.partitions)} partitions, {partitions} are asked for")

    def append(self, record: Outbound) -> Ack:
        """Writes a record and wakes those who wait for it; raises Unavailable during an outage."""
        self.check_reachable()
        log = self.log(record.topic)
        partition = self._partition(log, record)
        records = log.partitions[partition]
        now = self.clock.now()
        records.append(
            Record(record.topic, partition, len(records), record.key, record.value, dict(record.headers), now)
        )
        self.notify()
        return Ack(record.topic, partition, len(records) - 1)

    def group(self, name: str) -> Group:
        """The group, made on first use."""
        return self.groups.setdefault(name, Group())

    def check_reachable(self) -> None:
        """Raises Unavailable during an outage."""
        if self.away:
            raise Unavailable("the broker is away")

    def records(self, topic: str) -> list[Record]:
        """All records of a topic, partition by partition: what tests look at."""
        return [record for partition in self.log(topic).partitions for record in partition]

    def sources(self, topic: str) -> Iterator[TopicPartition]:
        """The topic's partitions."""
        return (TopicPartition(topic, number) for number in range(len(self.log(topic).partitions)))

    def notify(self) -> None:
        """Wakes everyone who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Returns after the next change (a record, a member, an outage's end), or once `seconds` have passed."""
        # Taken before anything is awaited, or a change in between would go unseen.
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await wait_all([changed], self.clock, seconds)
        finally:
            changed.cancel()

    def _partition(self, log: Log, record: Outbound) -> int:
        count = len(log.partitions)
        if record.partition is not None:
            if not 0 <= record.partition < count:
                raise Misconfigured(f"{record.topic} has no partition {record.partition}")
            return record.partition
        if record.key is not None:
            return partition_of(record.key, count)
        log.keyless += 1
        return log.keyless % count
