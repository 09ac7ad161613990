"""Group consumer of the in-process broker."""

import itertools
from collections.abc import Mapping, Sequence

from headwater_kit.bus.lease import Moment
from headwater_kit.bus.memory.broker import MemoryBroker
from headwater_kit.bus.ports import RebalanceListener, Record, TopicPartition

_members = itertools.count(1)


class MemoryConsumer:
    """A member of a group; rebalances happen in its own `poll`."""

    # As with Kafka.
    lease_seconds = 5.0

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        self._broker = broker
        self._group = broker.group(group)
        self._member = f"{group}-{next(_members)}"
        self._listener: RebalanceListener | None = None
        self._sources: Sequence[TopicPartition] = ()
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._polled: Moment | None = None

    async def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        """As `Consumer.subscribe`."""
        self._listener = listener
        self._sources = [source for topic in topics for source in self._broker.sources(topic)]
        self._join()

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """As `Consumer.poll`; the timeout runs on the broker's clock."""
        self._note_poll()
        self._broker.check_reachable()
        if await self._rebalance():
            return ()
        records = self._take(max_records)
        if not records:
            await self._broker.wait(timeout_seconds)
            self._broker.check_reachable()
            if not await self._rebalance():
                records = self._take(max_records)
        return records

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """As `Consumer.pause`."""
        self._paused.update(self._positions.keys() & set(partitions))

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """As `Consumer.resume`."""
        self._paused.difference_update(partitions)
        self._broker.notify()

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """As `Consumer.commit`."""
        self._broker.check_reachable()
        owned = set(self._group.owned(self._member))
        self._group.committed.update({s: offset for s, offset in offsets.items() if s in owned})

    async def close(self) -> None:
        """As `Consumer.close`."""
        owned = self._group.owned(self._member)
        if owned and self._listener is not None:
            await self._listener.revoked(owned)
        self.kill()

    def kill(self) -> None:
        """What the group sees of a `kill -9`: the member is gone, nothing was handed over."""
        self._group.leave(self._member)
        self._positions.clear()
        self._broker.notify()

    def _join(self) -> None:
        self._group.join(self._member, self._sources)
        self._broker.notify()

    def _note_poll(self) -> None:
        now = Moment.now(self._broker.clock)
        if self._polled is not None and self._polled.seconds_until(now) >= self.lease_seconds:
            self._group.leave(self._member)
            self._join()
        self._polled = now

    async def _rebalance(self) -> bool:
        if self._listener is None:
            return False
        if lost := self._lost():
            await self._listener.lost(lost)
            self._forget(lost)
        if gone := self._group.to_revoke(self._member):
            await self._listener.revoked(gone)
            self._forget(gone)
        if come := self._group.to_assign(self._member):
            self._group.take(self._member, come)
            self._positions.update({source: self._group.committed.get(source, 0) for source in come})
            await self._listener.assigned(come)
        return bool(lost or gone or come)

    def _lost(self) -> list[TopicPartition]:
        return sorted(self._positions.keys() - set(self._group.owned(self._member)))

    def _forget(self, partitions: Sequence[TopicPartition]) -> None:
        self._group.release(set(partitions) & set(self._group.owned(self._member)))
        for source in partitions:
            self._positions.pop(source, None)
        self._paused.difference_update(partitions)
        self._broker.notify()

    def _take(self, max_records: int) -> list[Record]:
        taken: list[Record] = []
        for source in sorted(self._positions.keys() - self._paused):
            log = self._broker.log(source.topic).partitions[source.partition]
            start = self._positions[source]
            records = log[start : start + max_records - len(taken)]
            self._positions[source] += len(records)
            taken += records
        return taken
