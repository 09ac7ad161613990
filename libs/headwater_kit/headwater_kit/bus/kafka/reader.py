"""Reader of a whole topic over confluent-kafka."""

import logging
from collections.abc import Mapping, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer
from confluent_kafka import TopicPartition as Partition

from headwater_kit.bus.kafka.admin import KafkaAdmin
from headwater_kit.bus.kafka.config import Config
from headwater_kit.bus.kafka.records import Batch
from headwater_kit.bus.kafka.thread import OwnerThread
from headwater_kit.bus.ports import Record

_log = logging.getLogger(__name__)


class KafkaReader:
    """All partitions of a topic, assigned by hand on first use; the client is made then, too."""

    def __init__(self, config: Config, admin: KafkaAdmin, topic: str, start: Mapping[int, int]) -> None:
        self._config = config
        self._client: Consumer | None = None
        self._thread = OwnerThread(f"kafka-reader-{topic}")
        self._admin = admin
        self._topic = topic
        self._start = start
        self._numbers: Sequence[int] = ()
        self._positions: dict[int, int] = {}
        self._closed = False

    async def end_offsets(self) -> Mapping[int, int]:
        """As `Reader.end_offsets`; fetches no record."""
        # Asked on another connection: on this one the answer would wait behind the fetches, half a second each.
        return await self._admin.end_offsets(self._topic, await self._find())

    async def offsets_at(self, time_seconds: float) -> Mapping[int, int]:
        """As `Reader.offsets_at`; fetches no record."""
        return await self._admin.offsets_at(self._topic, await self._find(), time_seconds)

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """As `Reader.poll`."""
        await self._find()
        return await self._thread.call(lambda: self._poll(max_records, timeout_seconds))

    async def positions(self) -> Mapping[int, int]:
        """As `Reader.positions`."""
        await self._find()
        return await self._thread.call(self._assigned_positions)

    async def close(self) -> None:
        """As `Reader.close`."""
        if not self._closed:
            self._closed = True
            self._thread.post(self._close_client)
            self._thread.end()

    def _poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        client = self._assigned()
        batch = Batch()
        batch.fill(client, max_records, timeout_seconds, lambda: self._thread.is_wanted)
        for record in batch.records:
            self._positions[record.partition] = record.offset + 1
        for source, offset in batch.ends.items():
            self._positions[source.partition] = max(offset, self._positions[source.partition])
        if batch.fault is not None and not batch.records:
            raise batch.fault
        return batch.records

    def _assigned_positions(self) -> Mapping[int, int]:
        self._assigned()
        return dict(self._positions)

    def _assigned(self) -> Consumer:
        # Not before records or positions are asked for: an assigned partition is fetched from at once.
        if self._client is None:
            numbers = self._numbers
            starts = [Partition(self._topic, number, self._start.get(number, OFFSET_BEGINNING)) for number in numbers]
            self._client = Consumer(dict(self._config), logger=_log)
            self._client.assign(starts)
            self._positions = {number: self._start.get(number, 0) for number in numbers}
        return self._client

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close()

    async def _find(self) -> Sequence[int]:
        if not self._numbers:
            self._numbers = await self._admin.partitions(self._topic)
        return self._numbers
